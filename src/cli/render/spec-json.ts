import type { Api, AsyncApi, Autoscaling, Compute, Container, Handler, JobApi, RealtimeApi } from "../../spec/api.ts";

const nanosecondsPerMs = 1_000_000;

/**
 * How amounts are written: `wire` as Cortex 0.42 answered them (durations in nanoseconds, as Go does), `file` as a person
 * writes them into cortex.yaml.
 */
export type Notation = "wire" | "file";

/** Values of environment variables may be secrets; `get` names them and keeps what they hold to itself. */
const hidden = "(hidden)";

/** @returns `api` with the keys of Cortex 0.35 (handler) and 0.42 (all else) */
export function specJson(api: Api, notation: Notation): Record<string, unknown> {
  const { kind, name, networking } = api;
  if (api.kind === "TrafficSplitter") return { name, kind, apis: api.apis, networking };
  const common = { name, kind, ...runnerJson(api, notation), node_groups: api.node_groups, networking };
  if (!("autoscaling" in api)) return common;
  return {
    ...common,
    autoscaling: autoscalingJson(api.autoscaling, notation),
    update_strategy: {
      max_surge: String(api.update_strategy.max_surge),
      max_unavailable: String(api.update_strategy.max_unavailable),
    },
  };
}

function runnerJson(api: RealtimeApi | AsyncApi | JobApi, notation: Notation): Record<string, unknown> {
  const { handler, compute } = api;
  const { port, max_concurrency, max_queue_length, containers } = api.pod;
  const limits = { port, max_concurrency, max_queue_length };
  return {
    ...(handler && { handler: handlerJson(handler, notation), compute: computeJson(compute) }),
    pod: { ...limits, ...(containers && { containers: containers.map(containerJson) }) },
  };
}

function handlerJson(handler: Handler, notation: Notation): Record<string, unknown> {
  const batching = handler.server_side_batching;
  return {
    ...handler,
    env: namesOnly(handler.env),
    server_side_batching: batching && {
      max_batch_size: batching.max_batch_size,
      batch_interval: duration(batching.batch_interval_ms, notation),
    },
  };
}

function containerJson(container: Container): Record<string, unknown> {
  return { ...container, env: namesOnly(container.env), compute: computeJson(container.compute) };
}

function computeJson({ cpu_millis, mem_bytes, gpu, inf, shm_bytes }: Compute): Record<string, unknown> {
  return {
    cpu: cpu_millis === null ? null : cpuText(cpu_millis),
    mem: mem_bytes === null ? null : bytesText(mem_bytes),
    gpu,
    inf,
    shm: shm_bytes === null ? null : bytesText(shm_bytes),
  };
}

function autoscalingJson(spec: Autoscaling, notation: Notation): Record<string, unknown> {
  return {
    min_replicas: spec.min_replicas,
    max_replicas: spec.max_replicas,
    init_replicas: spec.init_replicas,
    target_in_flight: spec.target_in_flight,
    window: duration(spec.window_ms, notation),
    downscale_stabilization_period: duration(spec.downscale_stabilization_period_ms, notation),
    upscale_stabilization_period: duration(spec.upscale_stabilization_period_ms, notation),
    max_downscale_factor: spec.max_downscale_factor,
    max_upscale_factor: spec.max_upscale_factor,
    downscale_tolerance: spec.downscale_tolerance,
    upscale_tolerance: spec.upscale_tolerance,
  };
}

function namesOnly(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(env).map((name) => [name, hidden]));
}

function duration(ms: number, notation: Notation): number | string {
  if (notation === "wire") return ms * nanosecondsPerMs;
  if (ms % 60_000 === 0 && ms > 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

export function cpuText(millis: number): string {
  return millis % 1_000 === 0 ? String(millis / 1_000) : `${millis}m`;
}

/** Exact, in the largest binary unit that divides it: `512Mi`. */
export function bytesText(bytes: number): string {
  const units = ["", "Ki", "Mi", "Gi", "Ti"];
  let unit = 0;
  let count = bytes;
  while (count >= 1024 && count % 1024 === 0 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${count}${units[unit]}`;
}

/** Rounded, for reading: `143 MiB`. */
export function roughBytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const count = bytes / 1024 ** unit;
  return `${count >= 100 || unit === 0 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
}
