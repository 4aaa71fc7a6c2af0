import type { Readable } from "node:stream";
import type { LogSink } from "../logs/log-store.ts";

/** Hands what a process prints to its log, and lets the process wait while the log is behind. */
export function pump(source: Readable, stream: "stdout" | "stderr", log: LogSink): void {
  source.on("data", (chunk: Buffer) => {
    if (log.write(stream, chunk)) return;
    source.pause();
    void log.drained().then(() => source.resume());
  });
  // The other end may be cut off by a kill; what it said until then is in the log.
  source.on("error", () => {});
}
