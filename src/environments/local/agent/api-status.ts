import type { ApiState, ReplicaState } from "../../../core/environment.ts";
import type { Generation } from "./generation.ts";
import type { ReplicaSlot } from "./replica-slot.ts";

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

type Counts = Pick<
  ApiState,
  "kind" | "revision" | "serving" | "status" | "requested" | "ready" | "upToDate" | "replicas"
>;

/**
 * What can be said of an API by its replicas.
 * @param live what was live last; it serves, too, while it is scaled to zero
 */
export function observe(
  { revision, state, failure }: Generation,
  live: Generation | undefined,
  requested: number,
  slots: readonly ReplicaSlot[],
): Counts {
  const replicas = slots.map((slot) => slot.state());
  const ready = slots.filter((slot) => slot.isReady).map((slot) => slot.generation.revision.number);
  const asleep = requested === 0 ? live?.revision.number : undefined;
  const serving = ready.length > 0 ? Math.max(...ready) : asleep;
  return {
    kind: "RealtimeAPI",
    revision,
    ...(serving !== undefined && { serving }),
    status: statusOf({ target: state, requested, replicas, ...(failure && { failure }) }),
    requested,
    ready: ready.length,
    upToDate: ready.filter((number) => number === revision.number).length,
    replicas,
  };
}
