/** Longest line that is kept in one piece, in UTF-16 units; longer ones are split. */
export const longestLine = 64 * 1024;

/**
 * Makes lines of what a process prints, chunk by chunk. Bytes that are no UTF-8 become U+FFFD; a character, or a line
 * break, may be split over two chunks.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #rest = "";

  /** @returns the lines that `chunk` completes, without their breaks */
  push(chunk: Uint8Array): string[] {
    return this.#split(this.#decoder.decode(chunk, { stream: true }));
  }

  /** @returns what was left without a line break, none when that was nothing */
  end(): string[] {
    const lines = this.#split(this.#decoder.decode());
    if (this.#rest !== "") lines.push(this.#rest);
    this.#rest = "";
    return lines;
  }

  #split(text: string): string[] {
    const lines = (this.#rest + text).split("\n");
    const rest = lines.pop()!;
    const whole = lines.flatMap((line) => pieces(line.endsWith("\r") ? line.slice(0, -1) : line));
    const restPieces = pieces(rest);
    this.#rest = restPieces.pop()!;
    return restPieces.length > 0 ? [...whole, ...restPieces] : whole;
  }
}

/** @returns `line` in pieces of at most `longestLine`, at least one; no character is cut in two */
function pieces(line: string): string[] {
  if (line.length <= longestLine) return [line];
  const found: string[] = [];
  for (let start = 0; start < line.length; ) {
    const end = start + longestLine;
    const isInsidePair = end < line.length && isHighSurrogate(line.charCodeAt(end - 1));
    found.push(line.slice(start, isInsidePair ? end - 1 : end));
    start += found.at(-1)!.length;
  }
  return found;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
