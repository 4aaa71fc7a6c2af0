import type { Api, Compute, Container, Handler, JsonValue, Pod } from "../../../src/spec/api.ts";

/** How a file would say what `api` says, with nothing left to defaults. */
export function configOf(api: Api): JsonValue {
  const { kind, name, networking } = api;
  if (api.kind === "TrafficSplitter") return json({ kind, name, apis: api.apis, networking });
  const runs = api.pod.containers
    ? { pod: { ...podOf(api.kind, api.pod), containers: api.pod.containers.map((one) => containerOf(api.kind, one)) } }
    : {
        handler: handlerOf(api.kind, api.handler!),
        pod: podOf(api.kind, api.pod),
        compute: computeOf(api.compute),
      };
  const common = { kind, name, ...runs, networking, node_groups: api.node_groups };
  if (!("autoscaling" in api)) return json(common);
  const { window_ms, downscale_stabilization_period_ms, upscale_stabilization_period_ms, ...numbers } = api.autoscaling;
  return json({
    ...common,
    autoscaling: {
      ...numbers,
      window: `${window_ms}ms`,
      downscale_stabilization_period: `${downscale_stabilization_period_ms}ms`,
      upscale_stabilization_period: `${upscale_stabilization_period_ms}ms`,
    },
    update_strategy: api.update_strategy,
  });
}

function handlerOf(kind: Api["kind"], handler: Handler): object {
  const { type, server_side_batching: batching, multi_model_reloading, protobuf_path, ...rest } = handler;
  if (type !== "python") throw new Error(`no file is written with type: ${type}`);
  if (kind !== "RealtimeAPI") return rest;
  const server_side_batching = batching && {
    max_batch_size: batching.max_batch_size,
    batch_interval: `${batching.batch_interval_ms}ms`,
  };
  return { ...rest, server_side_batching, multi_model_reloading, protobuf_path };
}

function podOf(kind: Api["kind"], { port, max_concurrency, max_queue_length }: Pod): object {
  return {
    ...(kind !== "TaskAPI" && { port }),
    ...((kind === "RealtimeAPI" || kind === "AsyncAPI") && { max_concurrency }),
    ...(kind === "RealtimeAPI" && { max_queue_length }),
  };
}

function containerOf(kind: Api["kind"], { readiness_probe, pre_stop, ...rest }: Container): object {
  return {
    ...rest,
    compute: computeOf(rest.compute),
    ...(kind !== "TaskAPI" && { readiness_probe }),
    ...((kind === "RealtimeAPI" || kind === "AsyncAPI") && { pre_stop }),
  };
}

const computeOf = ({ cpu_millis, mem_bytes, gpu, inf, shm_bytes }: Compute): object => ({
  cpu: cpu_millis === null ? "null" : `${cpu_millis}m`,
  mem: mem_bytes,
  gpu,
  inf,
  shm: shm_bytes,
});

/** Leaves out what is null, but for what `config` holds, and for cpu, where null says something. */
function json(value: object): JsonValue {
  const pairs = Object.entries(value).map(([key, one]): [string, unknown] => {
    if (key === "cpu") return [key, one === "null" ? null : one];
    if (key === "config" || one === null || typeof one !== "object") return [key, one];
    if (Array.isArray(one))
      return [key, one.map((item: unknown) => (typeof item === "object" ? json(item as object) : item))];
    return [key, json(one as object)];
  });
  return Object.fromEntries(pairs.filter(([key, one]) => one !== null || key === "cpu")) as JsonValue;
}
