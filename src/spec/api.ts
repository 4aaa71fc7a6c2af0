/**
 * The canonical model of an API: what every spelling of cortex.yaml is parsed into, with all defaults filled in.
 * Keys are those of the file (snake_case), so that `get -o json`, revisions and the file speak of the same thing.
 */
export const apiKinds = ["RealtimeAPI", "AsyncAPI", "BatchAPI", "TaskAPI", "TrafficSplitter"] as const;

export type ApiKind = (typeof apiKinds)[number];

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Amounts are as in Kubernetes: cpu in millicores, memory in bytes. */
export interface Compute {
  readonly cpu_millis: number | null;
  readonly mem_bytes: number | null;
  readonly gpu: number;
  readonly inf: number;
  readonly shm_bytes: number | null;
}

export interface Dependencies {
  /** Paths relative to the project's root; a file that is not there is no error unless the user named it. */
  readonly pip: string;
  readonly conda: string;
  readonly shell: string;
}

export interface ServerSideBatching {
  readonly max_batch_size: number;
  readonly batch_interval_ms: number;
}

export interface ModelSource {
  readonly path: string | null;
  readonly paths:
    | readonly { readonly name: string; readonly path: string; readonly signature_key: string | null }[]
    | null;
  readonly dir: string | null;
  readonly signature_key: string | null;
  readonly cache_size: number | null;
  readonly disk_cache_size: number | null;
}

export type LogLevel = "debug" | "info" | "warning" | "error";

/** A Python class that serves requests. */
export interface Handler {
  /** Which generation's class the file holds; decides argument names and HTTP details (see src/runtime). */
  readonly type: "python" | "tensorflow" | "onnx";
  /** Relative to the project's root, with forward slashes. */
  readonly path: string;
  readonly config: { readonly [key: string]: JsonValue };
  readonly env: { readonly [name: string]: string };
  readonly python_path: string | null;
  readonly image: string | null;
  /** With type tensorflow only. */
  readonly tensorflow_serving_image: string | null;
  readonly processes_per_replica: number;
  readonly threads_per_process: number;
  readonly server_side_batching: ServerSideBatching | null;
  readonly log_level: LogLevel;
  readonly dependencies: Dependencies;
  readonly models: ModelSource | null;
  readonly multi_model_reloading: ModelSource | null;
  readonly protobuf_path: string | null;
}

export interface Probe {
  readonly http_get: { readonly port: number; readonly path: string } | null;
  readonly tcp_socket: { readonly port: number } | null;
  readonly exec: { readonly command: readonly string[] } | null;
  readonly initial_delay_seconds: number;
  readonly timeout_seconds: number;
  readonly period_seconds: number;
  readonly success_threshold: number;
  readonly failure_threshold: number;
}

export interface PreStop {
  readonly http_get: { readonly port: number; readonly path: string } | null;
  readonly exec: { readonly command: readonly string[] } | null;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly args: readonly string[] | null;
  readonly env: { readonly [name: string]: string };
  readonly compute: Compute;
  readonly readiness_probe: Probe | null;
  readonly liveness_probe: Probe | null;
  readonly pre_stop: PreStop | null;
}

export interface Pod {
  /** What containers listen on; null for a handler that names none, and for a TaskAPI. */
  readonly port: number | null;
  /** Most requests in-flight in one replica; 1 for jobs. */
  readonly max_concurrency: number;
  /** Most requests waiting, per replica, before the gateway answers 503; 0 for all but a RealtimeAPI. */
  readonly max_queue_length: number;
  /** Null when the API runs a handler. */
  readonly containers: readonly Container[] | null;
}

export interface Autoscaling {
  readonly min_replicas: number;
  readonly max_replicas: number;
  readonly init_replicas: number;
  readonly target_in_flight: number;
  readonly window_ms: number;
  readonly downscale_stabilization_period_ms: number;
  readonly upscale_stabilization_period_ms: number;
  readonly max_downscale_factor: number;
  readonly max_upscale_factor: number;
  readonly downscale_tolerance: number;
  readonly upscale_tolerance: number;
}

export interface UpdateStrategy {
  /** A count, or a share of the replicas such as "25%". */
  readonly max_surge: number | string;
  readonly max_unavailable: number | string;
}

export interface Networking {
  /** Path under the gateway, with a leading slash and no trailing one. */
  readonly endpoint: string;
}

export interface RealtimeApi {
  readonly kind: "RealtimeAPI";
  readonly name: string;
  /** Exactly one of `handler` and `pod.containers` says what runs. */
  readonly handler: Handler | null;
  readonly pod: Pod;
  /** What one replica of a handler may use; containers carry their own, and this is their sum. */
  readonly compute: Compute;
  readonly autoscaling: Autoscaling;
  readonly update_strategy: UpdateStrategy;
  readonly networking: Networking;
  /** Null: any node group. */
  readonly node_groups: readonly string[] | null;
}

export interface AsyncApi extends Omit<RealtimeApi, "kind"> {
  readonly kind: "AsyncAPI";
}

/** A BatchAPI or TaskAPI. */
export interface JobApi {
  readonly kind: "BatchAPI" | "TaskAPI";
  readonly name: string;
  readonly handler: Handler | null;
  readonly pod: Pod;
  readonly compute: Compute;
  readonly networking: Networking;
  readonly node_groups: readonly string[] | null;
}

export interface TrafficSplitter {
  readonly kind: "TrafficSplitter";
  readonly name: string;
  readonly apis: readonly { readonly name: string; readonly weight: number; readonly shadow: boolean }[];
  readonly networking: Networking;
}

export type Api = RealtimeApi | AsyncApi | JobApi | TrafficSplitter;
