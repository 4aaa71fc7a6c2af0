import type { ClusterFeatures } from "../../../../../src/environments/kubernetes/features.ts";
import type { ObjectsInput } from "../../../../../src/environments/kubernetes/manifests/objects.ts";
import type { Api } from "../../../../../src/spec/api.ts";
import { parse } from "../../../../spec/support/parse.ts";

export const features: ClusterFeatures = {
  minorVersion: 35,
  gateway: { namespace: "cortex-system", name: "cortex", isEnvoyGateway: true },
  hasKeda: true,
  prometheusUrl: "http://prometheus.monitoring:9090",
  hasPodMonitor: false,
};

export const owner = {
  apiVersion: "v1",
  kind: "ConfigMap",
  name: "anchor",
  uid: "6f1f0b0e-0000-4000-8000-000000000000",
};

export function inputOf(spec: Api, changes: Partial<ObjectsInput> = {}): ObjectsInput {
  return {
    namespace: "models",
    record: {
      number: 7,
      id: "0123456789abcdef",
      project: "b".repeat(64),
      spec,
      ...("handler" in spec && spec.handler && { image: `registry.example.com/models@sha256:${"c".repeat(64)}` }),
      hasVariables: true,
      hasPullSecret: false,
      createdAt: "2026-01-02T03:04:05Z",
      createdBy: "ada@laptop",
      writtenBy: "1.0.0",
    },
    features,
    owner,
    replicas: undefined,
    hasVariables: true,
    hasPullSecret: false,
    ...changes,
  };
}

/** One API in each of the ways that there are, with all that it can say. */
export async function everyKind(): Promise<readonly Api[]> {
  const { apis } = await parse(`
- name: iris
  kind: RealtimeAPI
  handler:
    path: handler.py
    config: {bucket: models, depth: [1, "two"]}
    env: {TOKEN: "hidden"}
    processes_per_replica: 2
    threads_per_process: 2
  compute: {cpu: 1500m, mem: 2Gi, gpu: 1, shm: 256Mi}
  autoscaling: {min_replicas: 2, max_replicas: 20, target_in_flight: 3}
- name: everything
  kind: RealtimeAPI
  pod:
    port: 9000
    max_concurrency: 4
    max_queue_length: 7
    containers:
      - name: model
        image: python:3.11-slim
        command: [python, -m, http.server]
        args: ["9000"]
        env: {LEVEL: "3"}
        compute: {cpu: 1, mem: 300Mi, shm: 64Mi}
        readiness_probe: {http_get: {port: 9000, path: /}, initial_delay_seconds: 2}
        liveness_probe: {exec: {command: [ls, /]}, period_seconds: 20, success_threshold: 1}
        pre_stop: {http_get: {port: 9000, path: "/stop it?now=1"}}
      - name: cache
        image: busybox:1.35
        command: [sleep, "1000000"]
        compute: {cpu: 20m, mem: 1000000000}
        liveness_probe: {tcp_socket: {port: 9000}}
        pre_stop: {exec: {command: [echo, bye]}}
  autoscaling: {min_replicas: 0, max_replicas: 5, init_replicas: 1, upscale_tolerance: 0.2, downscale_stabilization_period: 2h}
  update_strategy: {max_surge: 1, max_unavailable: 0}
  networking: {endpoint: /team/everything}
  node_groups: [large, spot]
- name: fixed
  kind: RealtimeAPI
  pod: {port: 8000, containers: [{name: app, image: "app:1", compute: {inf: 1}}]}
  autoscaling: {min_replicas: 2, max_replicas: 2}
- name: split
  kind: TrafficSplitter
  apis: [{name: iris, weight: 0}, {name: fixed, weight: 100}, {name: everything, weight: 50, shadow: true}]
`);
  return apis;
}
