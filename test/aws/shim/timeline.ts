/** What happens later in the emulated AWS: a state that is reached, a thing that is gone. */
export interface Timeline {
  /** @param at in milliseconds since the epoch, of the emulator's clock */
  plan(at: number, what: () => Promise<void> | void): void;
  /** Does all that is due, in order, before the next request sees anything. */
  catchUp(): Promise<void>;
}

interface Event {
  readonly at: number;
  readonly what: () => Promise<void> | void;
}

export function createTimeline(now: () => number): Timeline {
  let events: Event[] = [];
  let last: Promise<void> = Promise.resolve();
  const run = async () => {
    for (;;) {
      const due = events.filter(({ at }) => at <= now()).sort((one, other) => one.at - other.at)[0];
      if (due === undefined) return;
      events = events.filter((event) => event !== due);
      await due.what();
    }
  };
  return {
    plan(at, what) {
      events.push({ at, what });
    },
    catchUp() {
      if (!events.some(({ at }) => at <= now())) return last;
      last = last.then(run);
      return last;
    },
  };
}
