import { setTimeout as delay } from "node:timers/promises";
import { takeLock } from "./lock.ts";

const pollMs = 50;

/**
 * Takes the lock that `file` stands for, as soon as nobody else has it.
 * @param onWaiting called once, when somebody else has it
 */
export async function waitForLock(file: string, signal: AbortSignal, onWaiting?: () => void): Promise<Disposable> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    const lock = takeLock(file);
    if (lock) return { [Symbol.dispose]: () => lock.release() };
    if (attempt === 1) onWaiting?.();
    await delay(pollMs, undefined, { signal });
  }
}
