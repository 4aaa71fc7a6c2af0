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

/**
 * So often the loop of events must have come round with nothing happening before time jumps: clients read answers and send their next
 * requests meanwhile. Time alone says nothing where the processor is busy with others, or this process with something long.
 */
const quietTurns = 4;

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** @returns a clock that stands while anything is being done, and jumps to the next end of a sleep when everybody sleeps */
export function virtualClock(startsAt = Date.now()): EmulatorClock {
  const sleepers = new Set<Sleeper>();
  let now = startsAt;
  let working = 0;
  /** Counts what happens. */
  let happened = 0;

  const jump = () => {
    // Whoever slept may have been stopped meanwhile.
    if (sleepers.size === 0) return;
    const next = Math.min(...[...sleepers].map(({ until }) => until));
    now = Math.max(now, next);
    for (const sleeper of [...sleepers]) if (sleeper.until <= now) sleeper.wake();
    look();
  };
  const look = () => {
    happened += 1;
    if (working === 0 && sleepers.size > 0) void jumpWhenQuiet(happened);
  };
  const jumpWhenQuiet = async (since: number) => {
    for (let turn = 0; turn < quietTurns; turn += 1) {
      await delay(1);
      // What has come in by now is dealt with before this goes on.
      await new Promise((resolve) => setImmediate(resolve));
      if (happened !== since) return;
    }
    jump();
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
