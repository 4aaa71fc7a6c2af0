/** A line as kubelet hands it out, with the time at which it was printed. */
export interface StampedLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Nanoseconds above `time`, 0 to 999,999. */
  readonly nanos: number;
  readonly text: string;
}

/** Longest line that is handed on whole, in bytes. */
const longestLine = 1024 * 1024;
const cutMark = " … (cut: the line is longer than 1 MiB)";

/** @returns undefined for what has no time in front: something that is said about the log rather than in it */
export function readStamp(line: string): StampedLine | undefined {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?/.exec(line);
  if (!parts) return undefined;
  const [stamp, seconds, fraction = "", zone] = parts;
  const digits = fraction.padEnd(9, "0");
  const time = Date.parse(`${seconds}.${digits.slice(0, 3)}${zone}`);
  if (Number.isNaN(time)) return undefined;
  return { time, nanos: Number(digits.slice(3)), text: line.slice(stamp.length) };
}

export function compareTimes(a: StampedLine, b: StampedLine): number {
  return a.time - b.time || a.nanos - b.nanos;
}

/**
 * Lines of a log's bytes, one too long cut. What has no line break behind it is the last line of a log that ended; of one that
 * was cut off it is dropped with the error that `chunks` throws.
 */
export async function* logLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let held: Uint8Array[] = [];
  let size = 0;
  const take = (chunk: Uint8Array) => {
    // A stamp comes on top.
    const room = Math.max(0, longestLine + 64 - size);
    if (room > 0) held.push(chunk.subarray(0, room));
    size += chunk.length;
  };
  const line = () => {
    const text = Buffer.concat(held).toString("utf8").replace(/\r$/, "");
    const isCut = size > longestLine + 64;
    held = [];
    size = 0;
    return isCut ? `${text}${cutMark}` : text;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      take(chunk.subarray(start, end));
      yield line();
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  if (size > 0) yield line();
}

/** Where a reader stands in one container's log, so that what it reads again is not told again. */
export class LogPosition {
  #last: StampedLine | undefined;
  /** How many lines with the very time of the last one were told. */
  #told = 0;
  #again = 0;

  /** RFC 3339, whole seconds; undefined before the first line. */
  get since(): string | undefined {
    return this.#last && new Date(this.#last.time).toISOString().replace(/\.\d+Z$/, "Z");
  }

  /** To be called before each reading from `since`. */
  restart(): void {
    this.#again = 0;
  }

  /** @returns whether `line` is new */
  accept(line: StampedLine): boolean {
    const order = this.#last ? compareTimes(line, this.#last) : 1;
    if (order < 0) return false;
    if (order > 0) {
      this.#last = line;
      this.#told = 1;
      this.#again = 1;
      return true;
    }
    this.#again += 1;
    if (this.#again <= this.#told) return false;
    this.#told = this.#again;
    return true;
  }
}
