import type { LogLine } from "../../../core/environment.ts";
import { LineSplitter } from "../../../platform/line-splitter.ts";
import { formatLine } from "./log-line.ts";
import type { RotatingFile } from "./rotating-file.ts";

/** Takes what one replica prints. */
export interface LogSink {
  /** @returns false when the writer should wait for `drained` before it goes on */
  write(stream: "stdout" | "stderr", chunk: Uint8Array): boolean;
  drained(): Promise<void>;
  /** Says something about the replica, in Cortex's own words. */
  system(text: string): void;
  /** @returns the last lines of all streams, at most `lines` and what some 256 KiB hold, oldest first */
  tail(lines: number): LogLine[];
  /** Writes what waits, unfinished lines too. Never throws; calling it again does nothing. */
  close(): Promise<void>;
}

/** Text that is remembered for `tail`, in UTF-16 units; and the most lines. */
const rememberedText = 256 * 1024;
const rememberedLines = 500;

export function createLogSink(
  identity: Pick<LogLine, "api" | "revision" | "replica">,
  file: RotatingFile,
  onClose: () => void,
): LogSink {
  const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() };
  const recent = new RecentLines();
  const add = (stream: LogLine["stream"], texts: readonly string[]): void => {
    const time = Date.now();
    for (const text of texts) {
      const line: LogLine = { time, ...identity, stream, text };
      recent.add(line);
      file.append(formatLine(line));
    }
  };
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    add("stdout", splitters.stdout.end());
    add("stderr", splitters.stderr.end());
    await file.close();
    onClose();
  };
  return {
    write(stream, chunk) {
      add(stream, splitters[stream].push(chunk));
      return !file.isFull;
    },
    drained: () => file.drained(),
    system: (text) => add("system", text.split("\n")),
    tail: (lines) => recent.last(lines),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** The last lines, as many as fit into a bounded amount of text. */
class RecentLines {
  #lines: LogLine[] = [];
  #size = 0;

  add(line: LogLine): void {
    this.#lines.push(line);
    this.#size += line.text.length;
    if (this.#lines.length > 2 * rememberedLines || this.#size > 2 * rememberedText) this.#trim();
  }

  last(lines: number): LogLine[] {
    this.#trim();
    return lines > 0 ? this.#lines.slice(-lines) : [];
  }

  #trim(): void {
    let kept = 0;
    let size = 0;
    while (kept < Math.min(this.#lines.length, rememberedLines)) {
      const next = this.#lines.at(-1 - kept)!.text.length;
      if (kept > 0 && size + next > rememberedText) break;
      size += next;
      kept += 1;
    }
    this.#lines = this.#lines.slice(this.#lines.length - kept);
    this.#size = size;
  }
}
