import type { Clock } from "../core/graph/resource.ts";
import { untilAborted } from "../core/streams.ts";

/** A call's right to be under way. */
export interface Turn extends Disposable {
  /** AWS took it, whatever it said. */
  answered(): void;
  throttled(): void;
}

/** Lets calls go as fast as AWS takes them. */
export interface CallLimiter {
  /** Waits for a place, and as long as its `lane` is held back. @throws the reason of `signal` */
  enter(lane: string, signal: AbortSignal): Promise<Turn>;
}

export interface LimiterOptions {
  readonly clock: Clock;
  /** From 0 to 1. */
  random(): number;
  /** Calls under way at a time, over all lanes. */
  readonly most: number;
}

/** Of one service in one region: what AWS counts calls by. */
interface Lane {
  /** Calls under way at a time: halved by a throttle, and grown again by one for as many answers. */
  window: number;
  underWay: number;
  /** Throttles without an answer between them. */
  streak: number;
  heldUntil: number;
  /** When it was last held back; what had begun before tells nothing new. */
  heldAt: number;
}

const shortestHoldMs = 100;
const longestHoldMs = 20_000;

/** One for all calls of an account, so that a throttle of one of them slows all that share its lane. */
export function callLimiter({ clock, random, most }: LimiterOptions): CallLimiter {
  const lanes = new Map<string, Lane>();
  const queue: { readonly lane: Lane; readonly admit: () => void }[] = [];
  let underWay = 0;

  const laneOf = (name: string): Lane => {
    const known = lanes.get(name);
    if (known) return known;
    const made = { window: most, underWay: 0, streak: 0, heldUntil: 0, heldAt: Number.NEGATIVE_INFINITY };
    lanes.set(name, made);
    return made;
  };
  const hasRoom = (lane: Lane) => underWay < most && lane.underWay < Math.max(1, Math.floor(lane.window));
  const take = (lane: Lane) => {
    underWay += 1;
    lane.underWay += 1;
  };
  const leave = (lane: Lane) => {
    underWay -= 1;
    lane.underWay -= 1;
    for (let index = 0; index < queue.length && underWay < most; ) {
      const next = queue[index]!;
      if (!hasRoom(next.lane)) index += 1;
      else {
        queue.splice(index, 1);
        take(next.lane);
        next.admit();
      }
    }
  };
  const place = async (lane: Lane, signal: AbortSignal): Promise<void> => {
    if (hasRoom(lane) && !queue.some((one) => one.lane === lane)) return take(lane);
    const admitted = Promise.withResolvers<void>();
    const waiting = { lane, admit: admitted.resolve };
    queue.push(waiting);
    try {
      await untilAborted(admitted.promise, signal);
    } catch (error) {
      const index = queue.indexOf(waiting);
      if (index >= 0) queue.splice(index, 1);
      else leave(lane);
      throw error;
    }
  };
  const hold = (lane: Lane) => {
    const longest = Math.min(longestHoldMs, shortestHoldMs * 2 ** lane.streak);
    lane.heldAt = clock.now();
    lane.heldUntil = lane.heldAt + longest * (0.5 + 0.5 * random());
    lane.window = Math.max(1, lane.window / 2);
    lane.streak += 1;
  };

  return {
    async enter(name, signal) {
      signal.throwIfAborted();
      const lane = laneOf(name);
      for (;;) {
        await place(lane, signal);
        const waitMs = lane.heldUntil - clock.now();
        if (waitMs <= 0) break;
        leave(lane);
        await clock.sleep(waitMs, signal);
      }
      const startedAt = clock.now();
      let isUnderWay = true;
      return {
        answered() {
          if (startedAt >= lane.heldAt) lane.streak = 0;
          lane.window = Math.min(most, lane.window + 1 / lane.window);
        },
        throttled() {
          if (startedAt >= lane.heldUntil) hold(lane);
        },
        [Symbol.dispose]() {
          if (isUnderWay) leave(lane);
          isUnderWay = false;
        },
      };
    },
  };
}
