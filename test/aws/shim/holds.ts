import { matchesName } from "./call-log.ts";

/** One call that is stopped before it is carried out. */
export interface Hold extends Disposable {
  /** Resolves when a call has come to it. */
  readonly reached: Promise<void>;
  /** Lets it go on; so does the end of its scope. */
  release(): void;
}

export interface Holds {
  /** Stops the n-th call (from 1) of that name. */
  add(op: string, nth?: number): Hold;
}

export interface HoldSource extends Holds {
  /** Counts a call. @returns when it may go on; undefined: at once */
  of(name: string): Promise<void> | undefined;
}

export function createHolds(): HoldSource {
  const active: {
    readonly op: string;
    readonly nth: number;
    seen: number;
    reach(): void;
    readonly released: Promise<void>;
  }[] = [];
  return {
    add(op, nth = 1) {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      active.push({ op, nth, seen: 0, reach: reached.resolve, released: released.promise });
      return { reached: reached.promise, release: released.resolve, [Symbol.dispose]: () => released.resolve() };
    },
    of(name) {
      for (const hold of active) {
        if (!matchesName(hold.op, name)) continue;
        hold.seen += 1;
        if (hold.seen !== hold.nth) continue;
        hold.reach();
        return hold.released;
      }
      return undefined;
    },
  };
}
