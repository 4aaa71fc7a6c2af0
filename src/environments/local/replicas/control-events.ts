/** What the runtime says over its control pipe, one JSON object per line. */
export type ControlEvent =
  | { readonly event: "loading" | "ready" }
  | { readonly event: "failed"; readonly error: string; readonly traceback?: string; readonly hint?: string }
  | { readonly event: "out_of_memory"; readonly peak_bytes?: number };

const longestLine = 1024 * 1024;

/** Makes events of what comes in pieces; lines that are none, of another version or of a handler's own, are skipped. */
export class ControlReader {
  #rest = "";
  readonly #decoder = new TextDecoder();

  push(chunk: Uint8Array): ControlEvent[] {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    const rest = lines.pop()!;
    this.#rest = rest.length > longestLine ? "" : rest;
    return lines.map(parseEvent).filter((event) => event !== undefined);
  }
}

function parseEvent(line: string): ControlEvent | undefined {
  try {
    const value = JSON.parse(line) as Record<string, unknown> | null;
    switch (value?.event) {
      case "loading":
      case "ready":
        return { event: value.event };
      case "failed":
        return {
          event: "failed",
          error: String(value.error ?? "the handler cannot be loaded").split("\n")[0]!,
          ...(typeof value.traceback === "string" && value.traceback && { traceback: value.traceback }),
          ...(typeof value.hint === "string" && value.hint && { hint: value.hint }),
        };
      case "out_of_memory":
        return {
          event: "out_of_memory",
          ...(typeof value.peak_bytes === "number" && { peak_bytes: value.peak_bytes }),
        };
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}
