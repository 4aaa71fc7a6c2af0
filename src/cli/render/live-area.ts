import type { Sink } from "./terminal.ts";
import { truncate } from "./width.ts";

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
const frameMs = 100;
/** More lines than this are counted, so that a small window is never overrun. */
const mostLines = 16;

/** The last lines of a terminal, drawn again and again until closed. Whoever makes one closes it, which shows the cursor again. */
export class LiveArea implements AsyncDisposable {
  readonly #sink: Sink;
  readonly #lines: () => readonly string[];
  #drawn = 0;
  #hasDrawn = false;
  readonly #timer: NodeJS.Timeout;
  /** Something else is being written; a frame now would stand in the middle of it. */
  #isPaused = false;

  /** @param lines what to draw now; asked ten times a second */
  constructor(sink: Sink, lines: () => readonly string[]) {
    this.#sink = sink;
    this.#lines = lines;
    this.#timer = setInterval(() => void this.redraw(), frameMs);
  }

  /** Draws now what has changed, instead of with the next frame. */
  async redraw(): Promise<void> {
    if (!this.#isPaused) await this.#sink.write(this.#frame());
  }

  /** Writes `text`, which ends with a newline, above the area; `elsewhere` when it belongs on another sink of this terminal. */
  async writeAbove(text: string, elsewhere: Sink = this.#sink): Promise<void> {
    this.#isPaused = true;
    await this.#sink.write(this.#erasure());
    await elsewhere.write(text);
    this.#isPaused = false;
    await this.#sink.write(this.#frame());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (this.#hasDrawn) await this.#sink.write(this.#erasure() + showCursor);
  }

  #frame(): string {
    const lines = this.#lines();
    // The cursor stays where it is as long as there is nothing to draw: a question may be waiting for an answer.
    if (lines.length === 0 && this.#drawn === 0) return "";
    const shown = lines.length > mostLines ? [...lines.slice(0, mostLines - 1), moreText(lines.length)] : lines;
    const erasure = this.#erasure();
    this.#drawn = shown.length;
    this.#hasDrawn = true;
    return `${hideCursor}${erasure}${shown.map((line) => `${truncate(line, this.#sink.columns - 1)}\n`).join("")}`;
  }

  #erasure(): string {
    const erasure = this.#drawn > 0 ? `\u001b[${this.#drawn}A\u001b[0J` : "";
    this.#drawn = 0;
    return erasure;
  }
}

function moreText(count: number): string {
  return `  … and ${count - mostLines + 1} more`;
}
