import { CortexError } from "../errors.ts";
import type { Clock } from "./resource.ts";

const firstMs = 1_000;
const longestMs = 10_000;
const growth = 1.6;

export interface Wait {
  readonly clock: Clock;
  /** For people, as a claim that is to become true: `node group cpu is ready`. */
  readonly until: string;
  /** How long it takes as a rule. Around its end it is looked more often. */
  readonly typicalMs: number;
  /** Then it is given up. */
  readonly timeoutMs: number;
  /** What to do when it is given up. */
  readonly hint?: string;
  /** From 0 to 1; so that many waits do not ask at the same moment. */
  readonly random?: () => number;
}

/**
 * Looks again and again until `look` returns something. `look` also reads what is wrong, and throws as soon as waiting is in vain.
 * The first look comes after a second: who waits has just asked for something that takes longer.
 * @throws CortexError TIMED_OUT; whatever `look` throws; the reason of `signal`
 */
export async function poll<T>(
  look: (signal: AbortSignal) => Promise<T | undefined>,
  { clock, until, typicalMs, timeoutMs, hint, random = Math.random }: Wait,
  signal: AbortSignal,
): Promise<T> {
  const begunAt = clock.now();
  for (let looks = 0; ; looks += 1) {
    const elapsedMs = clock.now() - begunAt;
    if (elapsedMs >= timeoutMs) throw givenUp(until, timeoutMs, hint);
    await clock.sleep(nextDelay({ looks, elapsedMs, typicalMs, random: random() }), signal);
    const seen = await look(signal);
    if (seen !== undefined) return seen;
  }
}

export interface Moment {
  /** How many there were. */
  readonly looks: number;
  readonly elapsedMs: number;
  readonly typicalMs: number;
  /** From 0 to 1. */
  readonly random: number;
}

/** @returns milliseconds until the next look: at most ten seconds, less around the moment when it is expected to be done */
export function nextDelay({ looks, elapsedMs, typicalMs, random }: Moment): number {
  const grown = Math.min(longestMs, firstMs * growth ** looks);
  const isNearEnd = elapsedMs + grown > typicalMs * 0.75 && elapsedMs < typicalMs * 2;
  const most = isNearEnd ? Math.min(longestMs, Math.max(firstMs, typicalMs / 40)) : longestMs;
  return Math.round(Math.min(grown, most) * (0.8 + 0.2 * random));
}

function givenUp(until: string, timeoutMs: number, hint: string | undefined): CortexError {
  const minutes = Math.round(timeoutMs / 60_000);
  return new CortexError("TIMED_OUT", `waited ${minutes} minutes, but it is not true that ${until}`, {
    hint: hint ?? "run the same command again: it goes on from here",
  });
}
