import { setTimeout as delay } from "node:timers/promises";
import type { CortexError } from "../../core/errors.ts";

/** Something that may go better the next time. */
export class Passing extends Error {
  /** What to say when it never does. */
  readonly lasting: CortexError;
  readonly retryAfterMs: number | undefined;

  constructor(lasting: CortexError, retryAfterMs?: number) {
    super(lasting.message, { cause: lasting });
    this.lasting = lasting;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface Patience {
  readonly attempts: number;
  readonly firstPauseMs: number;
}

/** About half a minute in all. */
export const usualPatience: Patience = { attempts: 7, firstPauseMs: 250 };
const longestPauseMs = 10_000;
const longestAskedMs = 30_000;

/**
 * Calls `work` until it ends otherwise than with `Passing`, with growing pauses of random length.
 * @throws what `Passing` holds when every attempt ended so
 */
export async function patiently<T>(
  work: (attempt: number) => Promise<T>,
  signal: AbortSignal,
  { attempts, firstPauseMs }: Patience = usualPatience,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Passing)) throw error;
      if (attempt >= attempts) throw error.lasting;
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
      await delay(Math.max(pauseMs, Math.min(error.retryAfterMs ?? 0, longestAskedMs)), undefined, { signal });
    }
  }
}
