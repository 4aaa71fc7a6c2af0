/** Handlers slower than this get no request ahead of time. */
const quickMs = 10;
const mostAhead = 32;
const weight = 0.1;

/** One answered request, as far as it tells how fast a replica is. */
export interface Served {
  readonly tookMs: number;
  /** Requests that the replica held when this one was sent, itself included. */
  readonly held: number;
  readonly maxConcurrency: number;
}

/**
 * Time that a replica's handler takes per request: a moving mean (EWMA) in which one request weighs a tenth. What a request
 * waited inside the replica for those before it does not count.
 * @param before undefined before the first request
 */
export function nextServiceTimeMs(before: number | undefined, { tookMs, held, maxConcurrency }: Served): number {
  const ownMs = held > maxConcurrency ? (tookMs * maxConcurrency) / held : tookMs;
  return before === undefined ? ownMs : before + weight * (ownMs - before);
}

/**
 * How many requests beyond `maxConcurrency` a replica may hold, so that a quick handler never waits for its next request
 * to travel: as many as it serves within 10 ms, at most 32; none while its speed is not known.
 */
export function requestsAhead(serviceTimeMs: number | undefined): number {
  if (serviceTimeMs === undefined) return 0;
  if (serviceTimeMs <= 0) return mostAhead;
  return Math.min(mostAhead, Math.floor(quickMs / serviceTimeMs));
}

/** A replica that holds requests but finished none for this long may be stuck in a slow one: it gets no more ahead. */
export const stuckAfterMs: number = quickMs;
