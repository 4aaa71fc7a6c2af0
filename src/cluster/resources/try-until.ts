import type { Clock } from "../../core/graph/resource.ts";

interface Trying {
  readonly clock: Clock;
  /** How long what is worth another try is tried, in milliseconds. */
  readonly limitMs: number;
  /** Whether what failed may go well a little later, and why it is waited for then. */
  isWorthAnother(error: unknown): boolean | string;
  report?(detail: string): void;
}

/** Between tries, in milliseconds: growing from the first to the last. */
const firstPauseMs = 1_000;
const longestPauseMs = 10_000;

/**
 * Does what AWS refuses only for now: because one part of it has not heard of what another part did, or is busy with something.
 * @throws what `attempt` threw last, when it is not worth another try or the time is over; the signal's reason when it aborts
 */
export async function tryUntil<Result>(
  { clock, limitMs, isWorthAnother, report }: Trying,
  signal: AbortSignal,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const until = clock.now() + limitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    try {
      return await attempt();
    } catch (error) {
      const isWorth = isWorthAnother(error);
      if (isWorth === false || clock.now() + pauseMs > until) throw error;
      if (typeof isWorth === "string") report?.(isWorth);
      await clock.sleep(pauseMs, signal);
    }
  }
}
