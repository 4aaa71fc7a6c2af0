import { untilAborted } from "../core/streams.ts";

/** How long a server that has answered before may be away, or too busy, in milliseconds. */
const patienceMs = 60_000;
/** How long it may say that it failed: what fails for longer will not do better. */
const failurePatienceMs = 10_000;
const firstWaitMs = 100;
const longestWaitMs = 5_000;

export interface Outcome {
  /** Undefined: no answer. */
  readonly status: number | undefined;
  /** In seconds, as the server wishes. */
  readonly retryAfter: number | undefined;
  readonly elapsedMs: number;
  /** Counts from 0. */
  readonly tries: number;
}

/** @returns how long to wait before the next try, in milliseconds; undefined: no more */
export function nextWait({ status, retryAfter, elapsedMs, tries }: Outcome, random: () => number): number | undefined {
  const patience = patienceFor(status);
  if (patience === undefined || elapsedMs >= patience) return undefined;
  const wait = Math.min(firstWaitMs * 2 ** tries, longestWaitMs) * (0.5 + random() / 2);
  const asked = retryAfter === undefined ? 0 : Math.min(retryAfter * 1_000, longestWaitMs * 2);
  return Math.min(Math.max(wait, asked), Math.max(patience - elapsedMs, firstWaitMs));
}

function patienceFor(status: number | undefined): number | undefined {
  if (status === undefined || status === 429 || (status > 501 && status < 600)) return patienceMs;
  return status === 500 ? failurePatienceMs : undefined;
}

/** @throws the reason of `signal` */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const wait = Promise.withResolvers<void>();
  const timer = setTimeout(wait.resolve, ms);
  try {
    await untilAborted(wait.promise, signal);
  } finally {
    clearTimeout(timer);
  }
}
