import type { ApiMetrics, ApiState, ReplicaState, Revision } from "../../core/environment.ts";
import { specJson } from "./spec-json.ts";
import { secondsSinceEpoch } from "./time.ts";

/** One API with Cortex 0.42's keys, and what came since beside them. Times are seconds since the epoch, as they were. */
export function apiJson(state: ApiState, history?: readonly Revision[]): Record<string, unknown> {
  const { revision } = state;
  const id = apiId(revision);
  const last_updated = secondsSinceEpoch(revision.createdAt);
  return {
    spec: { ...specJson(revision.spec, "wire"), id, spec_id: revision.id, last_updated },
    metadata: { name: state.name, kind: state.kind, id, last_updated },
    status: statusJson(state),
    endpoint: state.endpoint,
    ...(revision.spec.kind === "TrafficSplitter" && { num_traffic_splitter_targets: revision.spec.apis.length }),
    ...(state.metrics && { metrics: metricsJson(state.metrics) }),
    ...(history && { api_versions: history.map(revisionJson) }),
    revision: revision.number,
    serving_revision: state.serving ?? null,
    replicas: state.replicas.map(replicaJson),
    ...(state.autoscaler && {
      autoscaler: {
        current: state.autoscaler.current,
        wanted: state.autoscaler.wanted,
        in_flight_mean: state.autoscaler.inFlightMean ?? null,
        reason: state.autoscaler.reason,
      },
    }),
    notices: state.notices,
  };
}

/** The id of one revision of one API; sorts by age as text within 999,999 revisions. */
export function apiId(revision: Revision): string {
  return `${String(revision.number).padStart(6, "0")}-${revision.id}`;
}

export function revisionJson(revision: Revision): Record<string, unknown> {
  return {
    api_id: apiId(revision),
    last_updated: secondsSinceEpoch(revision.createdAt),
    revision: revision.number,
    created_by: revision.createdBy,
    ...(revision.rollbackOf !== undefined && { rollback_of: revision.rollbackOf }),
  };
}

function statusJson(state: ApiState): Record<string, unknown> {
  return {
    ready: state.ready,
    requested: state.requested,
    up_to_date: state.upToDate,
    replica_counts: { requested: state.requested, ...replicaCounts(state) },
    status_code: state.status.code,
    ...(state.status.message !== undefined && { message: state.status.message }),
  };
}

const countKeys = [
  "pending",
  "creating",
  "not_ready",
  "ready",
  "ready_out_of_date",
  "err_image_pull",
  "terminating",
  "failed",
  "killed",
  "killed_oom",
  "stalled",
  "unknown",
] as const;
type CountKey = (typeof countKeys)[number];

/** Replicas by Cortex 0.42's states, in its order, zeros too. */
export function replicaCounts(state: ApiState): Readonly<Record<CountKey, number>> {
  const counts = Object.fromEntries(countKeys.map((key) => [key, 0])) as Record<CountKey, number>;
  for (const replica of state.replicas) counts[countKey(replica, state.revision.number)]++;
  return counts;
}

function countKey({ phase, revision, outOfMemory }: ReplicaState, wanted: number): CountKey {
  switch (phase) {
    case "preparing packages":
    case "scheduling":
      return "pending";
    case "pulling image":
    case "starting":
      return "creating";
    case "loading":
      return "not_ready";
    case "ready":
      return revision === wanted ? "ready" : "ready_out_of_date";
    case "draining":
      return "terminating";
    case "failed":
      return outOfMemory ? "killed_oom" : "failed";
  }
}

function metricsJson(metrics: ApiMetrics): Record<string, unknown> {
  return {
    requests_per_second: metrics.requestsPerSecond,
    p50_ms: metrics.p50Ms ?? null,
    p99_ms: metrics.p99Ms ?? null,
    "2xx": metrics.status2xx,
    "4xx": metrics.status4xx,
    "5xx": metrics.status5xx,
    in_flight: metrics.inFlight,
    queue_length: metrics.queueLength,
  };
}

function replicaJson(replica: ReplicaState): Record<string, unknown> {
  return {
    id: replica.id,
    revision: replica.revision,
    phase: replica.phase,
    since: secondsSinceEpoch(replica.since),
    restarts: replica.restarts,
    memory_bytes: replica.memoryBytes ?? null,
    ...(replica.reason !== undefined && { reason: replica.reason }),
    ...(replica.outOfMemory && { out_of_memory: true }),
  };
}
