import type { Clock } from "./resource.ts";

/** So many at once; who comes later waits, first come first served. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

/** A clock for one who has taken a slot: while it sleeps, somebody else has it. */
export function sharingClock(clock: Clock, slots: Slots): Clock {
  return {
    now: () => clock.now(),
    async sleep(ms, signal) {
      slots.give();
      try {
        await clock.sleep(ms, signal);
      } finally {
        await slots.take();
      }
    },
  };
}
