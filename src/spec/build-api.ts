import type { Api, Compute, Container, Handler, Pod } from "./api.ts";
import { decideConcurrency, decideThreads } from "./concurrency.ts";
import type { ApiValues } from "./definitions/api-fields.ts";
import type { Legacy } from "./spellings/modernise.ts";

type HandlerValues = NonNullable<ApiValues["handler"]>;
type ContainerValues = NonNullable<ApiValues["pod"]["containers"]>[number];
type ComputeValues = NonNullable<ApiValues["compute"]>;
type ProbeValues = NonNullable<ContainerValues["liveness_probe"]>;

/** Turns the values of a file, which were checked, into the canonical model, with every default filled in. */
export function buildApi(values: ApiValues, legacy: Pick<Legacy, "inReplica" | "isBefore036">): Api {
  const { name, kind, node_groups } = values;
  const networking = { endpoint: values.networking.endpoint ?? `/${name}` };
  if (kind === "TrafficSplitter") return { kind, name, apis: values.apis ?? [], networking };
  const handler = values.handler && buildHandler(values.handler);
  const containers = values.pod.containers?.map(buildContainer) ?? null;
  const pod = buildPod(values, handler, containers, legacy);
  const compute = containers ? sumOf(containers.map((one) => one.compute)) : buildCompute(values.compute);
  const groups = node_groups && node_groups.length > 0 ? node_groups : null;
  const base = { name, handler, pod, compute, networking, node_groups: groups };
  if (kind === "BatchAPI" || kind === "TaskAPI") return { kind, ...base };
  const { autoscaling, update_strategy } = values;
  return {
    kind,
    ...base,
    autoscaling: {
      min_replicas: autoscaling.min_replicas,
      max_replicas: autoscaling.max_replicas,
      init_replicas: autoscaling.init_replicas ?? autoscaling.min_replicas,
      target_in_flight: autoscaling.target_in_flight ?? pod.max_concurrency,
      window_ms: autoscaling.window,
      downscale_stabilization_period_ms: autoscaling.downscale_stabilization_period,
      upscale_stabilization_period_ms: autoscaling.upscale_stabilization_period,
      max_downscale_factor: autoscaling.max_downscale_factor,
      max_upscale_factor: autoscaling.max_upscale_factor,
      downscale_tolerance: autoscaling.downscale_tolerance,
      upscale_tolerance: autoscaling.upscale_tolerance,
    },
    update_strategy: { max_surge: update_strategy.max_surge, max_unavailable: update_strategy.max_unavailable },
  };
}

function buildHandler(values: HandlerValues): Handler {
  const { server_side_batching: batching, ...rest } = values;
  const type = values.type ?? "python";
  return {
    ...rest,
    type,
    python_path: values.python_path === "." ? null : values.python_path,
    threads_per_process: decideThreads(values.threads_per_process, batching?.max_batch_size, type),
    // A kind that lacks these fields has them undefined.
    multi_model_reloading: values.multi_model_reloading ?? null,
    protobuf_path: values.protobuf_path ?? null,
    server_side_batching: batching
      ? { max_batch_size: batching.max_batch_size, batch_interval_ms: batching.batch_interval }
      : null,
  };
}

function buildPod(
  { kind, pod }: ApiValues,
  handler: Handler | null,
  containers: readonly Container[] | null,
  legacy: Pick<Legacy, "inReplica" | "isBefore036">,
): Pod {
  const port = kind === "TaskAPI" ? null : (pod.port ?? (containers ? 8080 : null));
  if (kind === "BatchAPI" || kind === "TaskAPI") return { port, max_concurrency: 1, max_queue_length: 0, containers };
  const decided = decideConcurrency({
    handler: handler ? { processes: handler.processes_per_replica, threads: handler.threads_per_process } : undefined,
    max_concurrency: pod.max_concurrency,
    max_queue_length: pod.max_queue_length ?? null,
    ...legacy,
  });
  // What waits for an AsyncAPI waits in its queue, not at a replica.
  return { port, ...decided, ...(kind === "AsyncAPI" && { max_queue_length: 0 }), containers };
}

function buildContainer(values: ContainerValues): Container {
  return {
    ...values,
    compute: buildCompute(values.compute),
    readiness_probe: values.readiness_probe ? buildProbe(values.readiness_probe) : null,
    liveness_probe: values.liveness_probe ? buildProbe(values.liveness_probe) : null,
    pre_stop: values.pre_stop ?? null,
  };
}

const buildProbe = (values: ProbeValues): ProbeValues => ({ ...values, exec: values.exec ?? null });

function buildCompute(values: ComputeValues | null): Compute {
  if (values === null) return { cpu_millis: 200, mem_bytes: null, gpu: 0, inf: 0, shm_bytes: null };
  return { cpu_millis: values.cpu, mem_bytes: values.mem, gpu: values.gpu, inf: values.inf, shm_bytes: values.shm };
}

/** What a replica of several containers uses in all; an amount that one of them leaves open is open. */
function sumOf(parts: readonly Compute[]): Compute {
  const sum = (key: "cpu_millis" | "mem_bytes"): number | null =>
    parts.some((one) => one[key] === null) ? null : parts.reduce((total, one) => total + (one[key] ?? 0), 0);
  return {
    cpu_millis: sum("cpu_millis"),
    mem_bytes: sum("mem_bytes"),
    gpu: parts.reduce((total, one) => total + one.gpu, 0),
    inf: parts.reduce((total, one) => total + one.inf, 0),
    shm_bytes: null,
  };
}
