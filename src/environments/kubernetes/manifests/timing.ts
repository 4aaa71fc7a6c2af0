/** How a replica ends, in milliseconds; see `drainProgram`. */
export const ending = {
  /** Serves on for at least so long, until the gateway has surely heard of its end. */
  lameDuckMs: 3_000,
  /** Then waits so long for requests that are in-flight. */
  drainMs: 60_000,
  /** Then its own process has so long to end. */
  exitMs: 12_000,
} as const;

export const gracePeriodS = (ending.lameDuckMs + ending.drainMs + ending.exitMs) / 1_000;
