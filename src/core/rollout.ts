import type { UpdateStrategy } from "../spec/api.ts";

/** One replica as the rollout sees it: what it counts for, not what it is. */
export interface RolloutReplica {
  readonly id: string;
  readonly isReady: boolean;
  /** Requests being served, so that the least busy go first. */
  readonly inFlight: number;
  /** When it was started, milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface RolloutState {
  /** How many replicas there should be. */
  readonly wanted: number;
  /** Replicas of what should run. */
  readonly current: readonly RolloutReplica[];
  /** Replicas of anything older, not yet draining. */
  readonly previous: readonly RolloutReplica[];
  readonly strategy: UpdateStrategy;
}

export interface RolloutStep {
  readonly start: number;
  /** Ids of replicas to drain and stop. */
  readonly drain: readonly string[];
}

/**
 * What to start and what to drain next, as a Kubernetes Deployment does it: never more than `wanted + max_surge`
 * replicas, never fewer than `wanted - max_unavailable` ready ones, shares rounded up for surge and down for unavailable.
 * Scaling is the same step with no previous replicas. Applied until it changes nothing, only `wanted` current ones are left.
 */
export function nextRolloutStep({ wanted, current, previous, strategy }: RolloutState): RolloutStep {
  const { surge, unavailable } = rolloutBounds(strategy, wanted);
  const room = wanted + surge - current.length - previous.length;
  const start = Math.max(0, Math.min(wanted - current.length, room));

  const surplus = leastNeededFirst(current).slice(0, Math.max(0, current.length - wanted));
  const ready = current.filter((one) => one.isReady).length - surplus.filter((one) => one.isReady).length;
  const idle = previous.filter((one) => !one.isReady);
  const serving = leastNeededFirst(previous.filter((one) => one.isReady));
  const spare = Math.max(0, Math.min(serving.length, ready + serving.length - Math.max(0, wanted - unavailable)));
  return { start, drain: [...surplus, ...idle, ...serving.slice(0, spare)].map((one) => one.id) };
}

/** @returns `strategy` as counts for `wanted` replicas; were both 0 nothing could move, so one may then be unavailable */
export function rolloutBounds(strategy: UpdateStrategy, wanted: number): { surge: number; unavailable: number } {
  const surge = share(strategy.max_surge, wanted, Math.ceil);
  const unavailable = share(strategy.max_unavailable, wanted, Math.floor);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

function share(bound: number | string, of: number, round: (value: number) => number): number {
  if (typeof bound === "number") return bound;
  // Multiplied before it is divided: 7 % of 100 is 7.000000000000001 the other way, and would round up to 8.
  return round((Number(bound.replace("%", "")) * of) / 100);
}

/** Those that are not ready first, then the least busy, then the youngest. */
function leastNeededFirst(replicas: readonly RolloutReplica[]): RolloutReplica[] {
  return [...replicas].sort(
    (a, b) => Number(a.isReady) - Number(b.isReady) || a.inFlight - b.inFlight || b.startedAt - a.startedAt,
  );
}
