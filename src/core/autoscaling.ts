import type { Autoscaling } from "../spec/api.ts";

/** How often the autoscaler looks. */
export const autoscalingPeriodMs = 10_000;

/** In-flight plus queued requests of one API at one moment. */
export interface InFlightSample {
  readonly time: number;
  readonly inFlight: number;
}

/** What the autoscaler recommended at one look, before stabilisation. */
export interface Recommendation {
  readonly time: number;
  readonly replicas: number;
}

/** All that the autoscaler remembers of one API. Times are milliseconds on one clock, oldest first. */
export interface AutoscalerMemory {
  readonly since: number;
  readonly samples: readonly InFlightSample[];
  readonly recommendations: readonly Recommendation[];
}

export interface ScalingDecision {
  readonly replicas: number;
  /** In-flight requests, mean over the window; 0 when there is no sample yet. */
  readonly inFlightMean: number;
  /** Why it is this many, for `describe`. */
  readonly reason: string;
  readonly memory: AutoscalerMemory;
}

export function newAutoscalerMemory(now: number): AutoscalerMemory {
  return { since: now, samples: [], recommendations: [] };
}

/** @returns `memory` with `sample`, and without samples that left the window */
export function remember(memory: AutoscalerMemory, sample: InFlightSample, spec: Autoscaling): AutoscalerMemory {
  const samples = [...memory.samples, sample];
  const kept = samples.findIndex((one) => one.time > sample.time - spec.window_ms);
  return { ...memory, samples: samples.slice(kept) };
}

/**
 * Cortex's autoscaling, one look: the mean of in-flight requests over the window divided by the target, left alone within
 * the tolerance, bounded by the step factors and by min and max; a step down needs every recommendation of the down period to
 * agree, a step up every one of the up period, and neither is taken before a whole period has been watched.
 * @param current replicas that are wanted now
 * @param maxReplicas the spec's, or fewer where the environment has no room
 */
export function decideReplicas(
  spec: Autoscaling,
  memory: AutoscalerMemory,
  current: number,
  now: number,
  maxReplicas: number = spec.max_replicas,
): ScalingDecision {
  const inWindow = memory.samples.filter((sample) => sample.time > now - spec.window_ms);
  const inFlightMean = inWindow.reduce((sum, sample) => sum + sample.inFlight, 0) / Math.max(1, inWindow.length);
  const minReplicas = Math.min(spec.min_replicas, maxReplicas);
  const clamp = (replicas: number) => Math.max(minReplicas, Math.min(maxReplicas, replicas));
  const recommended = inWindow.length === 0 ? clamp(current) : clamp(recommend(spec, inFlightMean, current));

  const longest = Math.max(spec.downscale_stabilization_period_ms, spec.upscale_stabilization_period_ms);
  const recommendations = [...memory.recommendations, { time: now, replicas: recommended }].filter(
    (one) => one.time > now - longest || one.time === now,
  );
  const settled = clamp(stabilise(spec, memory.since, recommendations, current, recommended, now));
  return {
    replicas: settled,
    inFlightMean,
    reason: explain({ spec, inFlightMean, current, recommended, settled, maxReplicas }),
    memory: { ...memory, recommendations },
  };
}

function recommend(spec: Autoscaling, inFlightMean: number, current: number): number {
  const raw = inFlightMean / spec.target_in_flight;
  const isTolerable = raw >= current * (1 - spec.downscale_tolerance) && raw <= current * (1 + spec.upscale_tolerance);
  if (isTolerable) return current;
  const floor = Math.min(current - 1, Math.ceil(current * spec.max_downscale_factor));
  const ceiling = Math.max(current + 1, Math.ceil(current * spec.max_upscale_factor));
  return Math.max(0, floor, Math.min(ceiling, Math.ceil(raw)));
}

function stabilise(
  spec: Autoscaling,
  since: number,
  recommendations: readonly Recommendation[],
  current: number,
  recommended: number,
  now: number,
): number {
  const within = (periodMs: number) =>
    recommendations.filter((one) => one.time > now - periodMs || one.time === now).map((one) => one.replicas);
  if (recommended < current) {
    if (now - since < spec.downscale_stabilization_period_ms) return current;
    return Math.min(current, Math.max(...within(spec.downscale_stabilization_period_ms)));
  }
  if (recommended > current) {
    if (now - since < spec.upscale_stabilization_period_ms) return current;
    return Math.max(current, Math.min(...within(spec.upscale_stabilization_period_ms)));
  }
  return current;
}

interface Explained {
  readonly spec: Autoscaling;
  readonly inFlightMean: number;
  readonly current: number;
  readonly recommended: number;
  readonly settled: number;
  readonly maxReplicas: number;
}

function explain({ spec, inFlightMean, current, recommended, settled, maxReplicas }: Explained): string {
  const load = `${inFlightMean.toFixed(2)} in-flight on average, target ${spec.target_in_flight} per replica`;
  if (settled !== current) return `${load}: from ${current} to ${settled}`;
  if (recommended !== current) {
    const period = recommended < current ? "downscale" : "upscale";
    return `${load}: ${recommended} would do, waiting out the ${period} stabilization period`;
  }
  if (current === maxReplicas && inFlightMean > current * spec.target_in_flight * (1 + spec.upscale_tolerance)) {
    return maxReplicas < spec.max_replicas
      ? `${load}: held at ${maxReplicas}, all that this machine has room for`
      : `${load}: held at max_replicas (${maxReplicas})`;
  }
  if (current === spec.min_replicas) return `${load}: at min_replicas (${spec.min_replicas})`;
  return `${load}: ${current} is right`;
}
