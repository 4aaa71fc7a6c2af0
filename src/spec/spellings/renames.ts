import type { ApiKind } from "../api.ts";

/** A key of an older release, and where what it says stands now. Applied in this order, each to what the last one left. */
export interface Rename {
  readonly from: string;
  /** Undefined: the key says nothing any more. */
  readonly to: string | undefined;
  /** Releases of Cortex that wrote it so. */
  readonly releases: string;
  /** For keys that mean this in one kind of API only. */
  readonly kind?: ApiKind;
  /** Only when the value is a list. */
  readonly ifList?: boolean;
  /** Why it is gone, or what changes with the new spelling. */
  readonly note?: string;
}

/** Said with the spellings that keep the queue of their release. */
export const queueNote = "pod.max_queue_length is 100 then unless you set it; it was 1024 less pod.max_concurrency";

export const renames: readonly Rename[] = [
  { from: "predictor", to: "handler", releases: "0.14 to 0.33", note: queueNote },
  { from: "definition", to: "handler", releases: "0.27 to 0.35", kind: "TaskAPI" },
  { from: "endpoint", to: "networking.endpoint", releases: "0.14 to 0.17" },
  {
    from: "local_port",
    to: undefined,
    releases: "0.16 to 0.17",
    note: "set CORTEX_LOCAL_PORT to change the local port",
  },
  {
    from: "networking.local_port",
    to: undefined,
    releases: "0.18 to 0.25",
    note: "set CORTEX_LOCAL_PORT to change the local port",
  },
  { from: "networking.api_gateway", to: undefined, releases: "0.18 to 0.25", note: "no API gateway is made any more" },
  { from: "tracker", to: undefined, releases: "0.14 to 0.16", note: "predictions are not monitored any more" },
  { from: "monitoring", to: undefined, releases: "0.17 to 0.25", note: "predictions are not monitored any more" },
  { from: "autoscaling.workers_per_replica", to: "handler.processes_per_replica", releases: "0.14 to 0.17" },
  { from: "autoscaling.threads_per_worker", to: "handler.threads_per_process", releases: "0.14 to 0.17" },
  { from: "autoscaling.target_replica_concurrency", to: "autoscaling.target_in_flight", releases: "0.14 to 0.35" },
  { from: "handler.model", to: "handler.models.path", releases: "0.14 to 0.17" },
  { from: "handler.model_path", to: "handler.models.path", releases: "0.18 to 0.22" },
  { from: "handler.models", to: "handler.models.paths", releases: "0.18 to 0.22", ifList: true },
  { from: "handler.signature_key", to: "handler.models.signature_key", releases: "0.14 to 0.22" },
  { from: "handler.shm_size", to: "compute.shm", releases: "0.26 to 0.35" },
  { from: "compute.node_groups", to: "node_groups", releases: "0.33 to 0.35" },
];

/** Keys of older releases that stand for more than one key now. */
export const queueRename = {
  from: "autoscaling.max_replica_concurrency",
  to: "pod.max_concurrency + pod.max_queue_length",
  releases: "0.14 to 0.35",
} as const;

/** Classes of Python had their models under the key of the other types. */
export const pythonModelsRename = {
  from: "handler.models",
  to: "handler.multi_model_reloading",
  releases: "0.20 to 0.24",
} as const;

/** Kinds that were called otherwise before Cortex 0.19 was out; files of its previews still are about. */
export const kindRenames: ReadonlyMap<string, ApiKind> = new Map([
  ["SyncAPI", "RealtimeAPI"],
  ["APISplitter", "TrafficSplitter"],
]);
