import type { Clock } from "../../src/core/graph/resource.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that jumps to the next moment that somebody waits for, as soon as nothing else is left to do. */
export class VirtualClock implements Clock {
  #now = 0;
  #sleepers: Sleeper[] = [];
  #isTurning = false;

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { at: this.#now + ms, wake: resolve };
    const abort = () => {
      this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#sleepers.push(sleeper);
    if (!this.#isTurning) void this.#turn();
    await promise;
    signal.removeEventListener("abort", abort);
  }

  async #turn(): Promise<void> {
    this.#isTurning = true;
    while (this.#sleepers.length > 0) {
      // Everything that can go on without the time going on has done so by then.
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, one) => (first === undefined || one.at < first.at ? one : first),
        undefined,
      );
      if (!next) break;
      this.#sleepers = this.#sleepers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#isTurning = false;
  }
}
