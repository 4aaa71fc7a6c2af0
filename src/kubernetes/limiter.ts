import { untilAborted } from "../core/streams.ts";

/** Lets so many at a time go on; the others wait in the order in which they came. */
export interface Limiter {
  /** @returns what gives the place back. @throws the reason of `signal` */
  enter(signal: AbortSignal): Promise<Disposable>;
}

export function limiterOf(most: number): Limiter {
  let free = most;
  const waiting: (() => void)[] = [];
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  const place = (): Disposable => {
    let isHeld = true;
    return {
      [Symbol.dispose]() {
        if (isHeld) leave();
        isHeld = false;
      },
    };
  };
  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return place();
      }
      const turn = Promise.withResolvers<void>();
      waiting.push(turn.resolve);
      try {
        await untilAborted(turn.promise, signal);
        return place();
      } catch (error) {
        const index = waiting.indexOf(turn.resolve);
        if (index >= 0) waiting.splice(index, 1);
        else leave();
        throw error;
      }
    },
  };
}
