const firstMs = 1_000;
const longestMs = 60_000;
/** A replica that was ready for this long has shown that it can run: what ended it is nothing that comes back at once. */
const goodLifeMs = 60_000;

/**
 * How long to wait before a replica that ended is started again: 1 s, 2 s, 4 s … one minute; not at all the first time
 * that one ends which had been ready, so that a single crash costs as little time as can be.
 * @param failures how often in a row it ended, this time included, since it last had been ready for a minute
 * @param wasReadyMs how long it had been ready this time, 0 when it never was
 */
export function restartDelayMs(failures: number, wasReadyMs: number): number {
  const inARow = wasReadyMs >= goodLifeMs ? 1 : Math.max(1, failures);
  const step = wasReadyMs > 0 ? inARow - 1 : inARow;
  return step === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** Math.min(step - 1, 16));
}
