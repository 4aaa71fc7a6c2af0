import type { ApiMetrics, ApiState, AutoscalerView, Revision } from "../../core/environment.ts";
import type { Anchor } from "./anchor.ts";
import { label } from "./names.ts";
import { isReady, replicaState, revisionOf, troubleOf } from "./pod-state.ts";
import type { RevisionRecord } from "./revision-record.ts";
import type { Deployment, Pod } from "./shapes.ts";

/** What is known of one API at one moment. */
export interface Observed {
  readonly anchor: Anchor;
  readonly deployment: Deployment | undefined;
  readonly pods: readonly Pod[];
  /** As users reach it, see `snapshot.endpointUrl`; undefined where there is no way in from outside. */
  readonly endpoint: string | undefined;
  readonly namespace: string;
  readonly metrics?: ApiMetrics | undefined;
  readonly autoscaler?: AutoscalerView | undefined;
  readonly notices?: readonly string[];
  /** Of a TrafficSplitter: whether all that it sends to is there. */
  readonly missingTargets?: readonly string[];
}

/** @returns the API as `get` and `describe` show it */
export function apiState(observed: Observed): ApiState {
  const { anchor, endpoint, namespace } = observed;
  const { record } = anchor;
  const counts = record.spec.kind === "TrafficSplitter" ? splitterCounts(observed) : realtimeCounts(observed);
  return {
    name: anchor.name,
    kind: record.spec.kind,
    revision: asRevision(record),
    ...counts,
    endpoint: endpoint ?? insideUrl(anchor.name, namespace),
    ...(observed.metrics && { metrics: observed.metrics }),
    ...(observed.autoscaler && { autoscaler: observed.autoscaler }),
    notices: [...(observed.notices ?? []), ...(endpoint === undefined ? [noWayIn] : [])],
  };
}

const noWayIn =
  "the cluster has no Gateway with an address: reach it with `cortex predict` or `cortex port-forward`, or see `cortex cluster install`";

/** Where the API is inside the cluster. */
export function insideUrl(name: string, namespace: string): string {
  return `http://${name}.${namespace}`;
}

export function asRevision(record: RevisionRecord): Revision {
  const { number, id, project, spec, createdAt, createdBy, rollbackOf } = record;
  return {
    number,
    id,
    project,
    spec,
    createdAt: Date.parse(createdAt),
    createdBy,
    ...(rollbackOf !== undefined && { rollbackOf }),
  };
}

type Counts = Pick<ApiState, "serving" | "status" | "requested" | "ready" | "upToDate" | "replicas">;

function realtimeCounts({ anchor, deployment, pods }: Observed): Counts {
  const { record } = anchor;
  const ready = pods.filter(isReady).map(revisionOf);
  const requested = deployment?.spec.replicas ?? 0;
  const asleep = requested === 0 ? lastLive(anchor, deployment) : undefined;
  const serving = ready.length > 0 ? Math.max(...ready) : asleep;
  return {
    ...(serving !== undefined && { serving }),
    status: statusOf(anchor, deployment, pods),
    requested,
    ready: ready.length,
    upToDate: ready.filter((number) => number === record.number).length,
    replicas: pods.map((pod) => replicaState(pod)).toSorted((a, b) => a.id.localeCompare(b.id)),
  };
}

function splitterCounts({ anchor, missingTargets = [] }: Observed): Counts {
  const { record, serving, failure } = anchor;
  const missing =
    missingTargets.length === 0 ? undefined : `it sends to what is not there: ${missingTargets.join(", ")}`;
  const message = failure?.message ?? missing;
  const isLive = serving === record.number && message === undefined;
  return {
    ...(serving !== undefined && { serving }),
    status: {
      code: isLive ? "status_live" : message === undefined ? "status_updating" : "status_error",
      ...(message !== undefined && { message }),
    },
    requested: 0,
    ready: 0,
    upToDate: 0,
    replicas: [],
  };
}

function statusOf(anchor: Anchor, deployment: Deployment | undefined, pods: readonly Pod[]): ApiState["status"] {
  if (anchor.isBeingDeleted) return { code: "status_updating", message: "it is being deleted" };
  if (deployment && isLive(anchor, deployment)) return liveStatus(deployment, pods);
  const { failure } = anchor;
  if (failure) {
    const code =
      failure.outOfMemory === true
        ? "status_error_oom"
        : failure.code === "NO_CAPACITY"
          ? "status_compute_unavailable"
          : "status_error";
    return { code, message: failure.message };
  }
  const wanted = pods.filter((pod) => revisionOf(pod) === anchor.record.number);
  const trouble = firstTrouble(wanted);
  if (trouble) return trouble;
  if (!deployment) return { code: "status_updating", message: "its Deployment is not there yet; deploy it again" };
  return { code: "status_updating" };
}

/** All replicas were there once; some may be in trouble since. */
function liveStatus(deployment: Deployment, pods: readonly Pod[]): ApiState["status"] {
  const trouble = firstTrouble(pods.filter((pod) => pod.metadata.deletionTimestamp === undefined));
  if ((deployment.spec.replicas ?? 0) === 0 || (deployment.status?.availableReplicas ?? 0) > 0) {
    return { code: "status_live", ...(trouble?.message !== undefined && { message: trouble.message }) };
  }
  return trouble ?? { code: "status_updating" };
}

function firstTrouble(pods: readonly Pod[]): ApiState["status"] | undefined {
  for (const pod of pods) {
    const trouble = troubleOf(pod);
    if (trouble) {
      const message = `replica ${pod.metadata.name}: ${trouble.reason}`;
      return { code: trouble.kind === "memory" ? "status_error_oom" : "status_error", message };
    }
    const { phase, reason } = replicaState(pod);
    if (phase === "scheduling" && reason !== undefined) {
      return { code: "status_compute_unavailable", message: `replica ${pod.metadata.name}: ${reason}` };
    }
  }
  return undefined;
}

/**
 * The revision that was live last: what the anchor says, or what is live without anybody having been there to say so, because
 * the command that rolled it out did not wait or was ended.
 */
export function lastLive(anchor: Anchor, deployment: Deployment | undefined): number | undefined {
  return deployment && isLive(anchor, deployment) ? anchor.record.number : anchor.serving;
}

/** Whether all replicas are of the wanted revision; a first one that failed has none, and is not live for that. */
function isLive({ record, failure }: Anchor, deployment: Deployment): boolean {
  const isEmpty = (deployment.spec.replicas ?? 0) === 0;
  return templateRevision(deployment) === record.number && isComplete(deployment) && !(isEmpty && failure);
}

/** Number of the revision that the Deployment's pods are made for. */
export function templateRevision({ spec }: Deployment): number {
  return Number(spec.template.metadata?.labels?.[label.revision] ?? 0);
}

/** Whether the Deployment has brought all its replicas to its present template: old ones are told to end, new ones were available. */
export function isComplete({ metadata, spec, status = {} }: Deployment): boolean {
  const wanted = spec.replicas ?? 1;
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, observedGeneration = 0 } = status;
  if (observedGeneration < (metadata.generation ?? 0)) return false;
  const isAvailable = availableReplicas >= wanted || status.conditions?.some(isProgressDone) === true;
  return updatedReplicas >= wanted && replicas === updatedReplicas && isAvailable;
}

/** Once complete, a Deployment stays so while single replicas fail and come back. */
function isProgressDone({ type, reason }: { readonly type: string; readonly reason?: string }): boolean {
  return type === "Progressing" && reason === "NewReplicaSetAvailable";
}
