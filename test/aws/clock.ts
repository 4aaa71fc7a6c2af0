import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../src/core/graph/resource.ts";

/** The time of an emulator and of the clients that are tested with it. */
export interface EmulatorClock extends Clock {
  /** Until it is given back something is being done, so that virtual time stands still. */
  busy(): Disposable;
}

/** @returns a clock that goes `speed` times faster than the real one */
export function scaledClock(speed: number): EmulatorClock {
  const [startedAt, origin] = [Date.now(), performance.now()];
  return {
    now: () => startedAt + (performance.now() - origin) * speed,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      await delay(ms / speed, undefined, { signal }).catch((error) => {
        signal.throwIfAborted();
        throw error;
      });
    },
    busy: () => ({ [Symbol.dispose]: () => {} }),
  };
}

/** So long nothing must happen before time jumps: clients read answers and send their next requests meanwhile. */
const quietMs = 3;

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** @returns a clock that stands while anything is being done, and jumps to the next end of a sleep when everybody sleeps */
export function virtualClock(startsAt = Date.now()): EmulatorClock {
  const sleepers = new Set<Sleeper>();
  let now = startsAt;
  let working = 0;
  let timer: NodeJS.Timeout | undefined;

  const jump = () => {
    timer = undefined;
    // Whoever slept may have been stopped meanwhile.
    if (sleepers.size === 0) return;
    const next = Math.min(...[...sleepers].map(({ until }) => until));
    now = Math.max(now, next);
    for (const sleeper of [...sleepers]) if (sleeper.until <= now) sleeper.wake();
    look();
  };
  const look = () => {
    clearTimeout(timer);
    timer = working === 0 && sleepers.size > 0 ? setTimeout(jump, quietMs) : undefined;
  };
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((wake, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const end = (then: () => void) => () => {
          sleepers.delete(sleeper);
          signal.removeEventListener("abort", abort);
          then();
        };
        const sleeper = { until: now + Math.max(0, ms), wake: end(wake) };
        const abort = end(() => reject(signal.reason));
        signal.addEventListener("abort", abort, { once: true });
        sleepers.add(sleeper);
        look();
      }),
    busy() {
      working += 1;
      look();
      let isOver = false;
      return {
        [Symbol.dispose]() {
          if (isOver) return;
          isOver = true;
          working -= 1;
          look();
        },
      };
    },
  };
}
