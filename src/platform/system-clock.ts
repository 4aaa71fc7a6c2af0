import { setTimeout } from "node:timers/promises";

/** The clock of this machine, as `Clock` in core/graph describes one. */
export const systemClock = {
  now: (): number => Date.now(),
  /** @throws the signal's reason as soon as it aborts */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    try {
      await setTimeout(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
