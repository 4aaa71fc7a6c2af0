import type { ApiState, ReplicaState } from "../../../core/environment.ts";

export interface Observed {
  /** What was last asked for: on its way, there, or failed. */
  readonly target: "rolling" | "live" | "failed";
  readonly failure?: { readonly message: string; readonly outOfMemory: boolean };
  /** How many replicas there should be now. */
  readonly requested: number;
  readonly replicas: readonly ReplicaState[];
}

/** @returns the status of an API in Cortex's own words */
export function statusOf({ target, failure, requested, replicas }: Observed): ApiState["status"] {
  if (target === "failed") {
    return {
      code: failure?.outOfMemory ? "status_error_oom" : "status_error",
      ...(failure && { message: failure.message }),
    };
  }
  if (target === "rolling") return { code: "status_updating" };
  const ready = replicas.filter((replica) => replica.phase === "ready").length;
  const failed = replicas.find((replica) => replica.reason !== undefined && replica.phase !== "ready");
  const message = failed && { message: `replica ${failed.id}: ${failed.reason}` };
  if (ready > 0 || requested === 0) return { code: "status_live", ...message };
  if (!failed) return { code: "status_updating" };
  return { code: failed.outOfMemory ? "status_error_oom" : "status_error", ...message };
}
