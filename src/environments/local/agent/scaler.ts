import {
  type AutoscalerMemory,
  autoscalingPeriodMs,
  decideReplicas,
  newAutoscalerMemory,
  remember,
} from "../../../core/autoscaling.ts";
import type { AutoscalerView } from "../../../core/environment.ts";
import type { RealtimeApi } from "../../../spec/api.ts";

/** The autoscaler of one API: is shown how much is in-flight, several times a second, and looks every ten seconds. */
export class Scaler {
  #memory: AutoscalerMemory;
  #lookedAt: number;
  #view: AutoscalerView | undefined;

  constructor(now: number) {
    this.#memory = newAutoscalerMemory(now);
    this.#lookedAt = now;
  }

  get view(): AutoscalerView | undefined {
    return this.#view;
  }

  /**
   * @param maxReplicas what this machine has room for
   * @returns how many replicas there should be from now on
   */
  observe(api: RealtimeApi, inFlight: number, current: number, maxReplicas: number, now: number): number {
    const spec = api.autoscaling;
    this.#memory = remember(this.#memory, { time: now, inFlight }, spec);
    if (now - this.#lookedAt < autoscalingPeriodMs) return current;
    this.#lookedAt = now;
    const { memory, replicas, inFlightMean, reason } = decideReplicas(spec, this.#memory, current, now, maxReplicas);
    this.#memory = memory;
    this.#view = { current, wanted: replicas, inFlightMean, reason };
    return replicas;
  }

  /** Forgets what it saw: another revision has other numbers, and must be watched anew. */
  reset(now: number): void {
    this.#memory = newAutoscalerMemory(now);
    this.#lookedAt = now;
  }
}
