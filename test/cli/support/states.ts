import type { ApiState, ReplicaState, Revision } from "../../../src/core/environment.ts";
import type { RealtimeApi, TrafficSplitter } from "../../../src/spec/api.ts";

/** The moment at which every test of the command line happens. */
export const now = Date.parse("2026-11-23T14:00:00Z");

export function realtimeApi(name = "iris"): RealtimeApi {
  return {
    kind: "RealtimeAPI",
    name,
    handler: {
      type: "python",
      path: "handler.py",
      config: { threshold: 0.5 },
      env: { API_KEY: "secret-value" },
      python_path: null,
      image: null,
      tensorflow_serving_image: null,
      processes_per_replica: 1,
      threads_per_process: 1,
      server_side_batching: { max_batch_size: 8, batch_interval_ms: 50 },
      log_level: "info",
      dependencies: { pip: "requirements.txt", conda: "conda-packages.txt", shell: "dependencies.sh" },
      models: null,
      multi_model_reloading: null,
      protobuf_path: null,
    },
    pod: { port: null, max_concurrency: 1, max_queue_length: 100, containers: null },
    compute: { cpu_millis: 200, mem_bytes: 512 * 1024 * 1024, gpu: 0, inf: 0, shm_bytes: null },
    autoscaling: {
      min_replicas: 1,
      max_replicas: 4,
      init_replicas: 1,
      target_in_flight: 1,
      window_ms: 60_000,
      downscale_stabilization_period_ms: 300_000,
      upscale_stabilization_period_ms: 60_000,
      max_downscale_factor: 0.75,
      max_upscale_factor: 1.5,
      downscale_tolerance: 0.05,
      upscale_tolerance: 0.05,
    },
    update_strategy: { max_surge: "25%", max_unavailable: "25%" },
    networking: { endpoint: `/${name}` },
    node_groups: null,
  };
}

export function revision(number: number, changes: Partial<Revision> = {}): Revision {
  return {
    number,
    id: `${number}${"a".repeat(15)}`,
    project: "b".repeat(64),
    spec: realtimeApi(),
    createdAt: now - 1000 * 60 * 10 * (10 - number),
    createdBy: "ada@laptop",
    ...changes,
  };
}

export function replica(id: string, changes: Partial<ReplicaState> = {}): ReplicaState {
  return {
    id,
    revision: 3,
    phase: "ready",
    since: now - 90_000,
    restarts: 0,
    memoryBytes: 150 * 1024 * 1024,
    ...changes,
  };
}

/** An API that is live with one replica and some traffic. */
export function apiState(name = "iris", changes: Partial<ApiState> = {}): ApiState {
  return {
    name,
    kind: "RealtimeAPI",
    revision: revision(3, { spec: realtimeApi(name) }),
    serving: 3,
    status: { code: "status_live" },
    requested: 1,
    ready: 1,
    upToDate: 1,
    replicas: [replica(`${name}-3-a`)],
    endpoint: `http://localhost:8888/${name}`,
    metrics: {
      requestsPerSecond: 12.34,
      p50Ms: 3.21,
      p99Ms: 145.6,
      status2xx: 1200,
      status4xx: 3,
      status5xx: 1,
      inFlight: 2,
      queueLength: 0,
    },
    autoscaler: { current: 1, wanted: 1, inFlightMean: 0.8, reason: "0.80 in-flight on average: 1 is right" },
    notices: [],
    ...changes,
  };
}

/** A revision that failed while the one before it goes on serving. */
export function failingState(name = "digits"): ApiState {
  return apiState(name, {
    revision: revision(4, { spec: realtimeApi(name) }),
    serving: 3,
    status: { code: "status_error_oom", message: "replica digits-4-b was out of memory" },
    requested: 2,
    ready: 1,
    upToDate: 0,
    replicas: [
      replica("digits-3-a"),
      replica("digits-4-b", {
        revision: 4,
        phase: "failed",
        outOfMemory: true,
        restarts: 5,
        reason: "out of memory: it reached compute.mem (512Mi)",
      }),
      replica("digits-4-c", { revision: 4, phase: "loading", since: now - 2_000 }),
    ],
    notices: ["max_replicas is 4 instead of 100: all that this machine has room for"],
  });
}

/** A splitter among iris, digits (which failed) and a shadow that somebody has lost. */
export function splitterState(name = "split"): ApiState {
  const spec: TrafficSplitter = {
    kind: "TrafficSplitter",
    name,
    apis: [
      { name: "iris", weight: 80, shadow: false },
      { name: "digits", weight: 20, shadow: false },
      { name: "lost", weight: 50, shadow: true },
    ],
    networking: { endpoint: `/${name}` },
  };
  const { autoscaler: _, ...state } = apiState(name, {
    kind: "TrafficSplitter",
    revision: revision(3, { spec, project: "" }),
    status: { code: "status_error", message: "not deployed any more: lost" },
    requested: 0,
    ready: 0,
    upToDate: 0,
    replicas: [],
  });
  return state;
}

/** An API on a cluster that grows and is updated at the same time. */
export function clusterState(name = "iris"): ApiState {
  return apiState(name, {
    revision: revision(4, { spec: realtimeApi(name) }),
    status: { code: "status_updating" },
    requested: 4,
    ready: 2,
    upToDate: 1,
    endpoint: `http://203.0.113.7/${name}`,
    replicas: [
      replica(`${name}-7d4b9c6f5-2xkqp`, { memoryBytes: 210 * 1024 * 1024 }),
      replica(`${name}-6f5c8d7b9-lm4tz`, { revision: 4 }),
      replica(`${name}-6f5c8d7b9-9w2hv`, { revision: 4, phase: "pulling image", since: now - 8_000 }),
      replica(`${name}-6f5c8d7b9-q8rrs`, {
        revision: 4,
        phase: "scheduling",
        since: now - 45_000,
        reason: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu",
      }),
      replica(`${name}-7d4b9c6f5-zz9fd`, { phase: "draining", since: now - 3_000 }),
    ].map(({ memoryBytes, ...rest }, index) => (index === 0 ? { ...rest, memoryBytes: memoryBytes! } : rest)),
    autoscaler: {
      current: 4,
      wanted: 4,
      inFlightMean: 3.9,
      reason: "3.90 in-flight on average, target 1 per replica: held at max_replicas (4)",
    },
    notices: ["no metrics: Prometheus at http://prometheus.monitoring:9090 did not answer within 3 s"],
  });
}
