import fc from "fast-check";
import type { Api, Autoscaling, Compute, Container, Handler, Pod } from "../../../src/spec/api.ts";

const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,20}[a-z0-9])?$/).filter((name) => !name.startsWith("b-"));
const path = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}(\/[a-z][a-z0-9_]{0,8}){0,2}$/);
const endpoint = fc.stringMatching(/^(\/[a-zA-Z0-9_-]{1,8}){1,3}$/);
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const env = fc.dictionary(fc.stringMatching(/^[A-BD-Z][A-Z0-9_]{0,10}$/), anyText(), { maxKeys: 4 });

/** Any text that a variable's reference does not hide in. */
function anyText(): fc.Arbitrary<string> {
  return fc.string({ maxLength: 20, unit: "grapheme" }).filter((text) => !text.includes("${") && isPrintable(text));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: files hold none of them
const isPrintable = (text: string): boolean => !/[\0-\x1f\x7f-\x9f\uFEFF\u2028\u2029]/.test(text);

const jsonValue = fc.jsonValue({ maxDepth: 3 }).filter((value) => {
  const text = JSON.stringify(value);
  return !text.includes("${") && !/\\u00|\\[bfnrt]/.test(text) && isPrintable(text) && !text.includes("<<");
});

function anyCompute(maxInf: number): fc.Arbitrary<Compute> {
  return fc
    .record({
      cpu_millis: nullable(fc.integer({ min: 20, max: 64_000 })),
      mem_bytes: nullable(fc.integer({ min: 20 * 2 ** 20, max: 2 ** 40 })),
      gpu: fc.integer({ min: 0, max: 8 }),
      inf: fc.integer({ min: 0, max: maxInf }),
      shm_bytes: nullable(fc.integer({ min: 1, max: 20 * 2 ** 20 })),
    })
    .map((compute) => (compute.gpu > 0 ? { ...compute, inf: 0 } : compute));
}

function anyHandler(kind: Api["kind"]): fc.Arbitrary<Handler> {
  const isJob = kind === "BatchAPI" || kind === "TaskAPI";
  return fc.record({
    type: fc.constant("python" as const),
    path: path.map((one) => `${one}.py`),
    config: fc.dictionary(fc.stringMatching(/^[a-z_]{1,10}$/), jsonValue, { maxKeys: 4 }) as fc.Arbitrary<
      Handler["config"]
    >,
    env,
    python_path: nullable(path),
    image: nullable(fc.constant("quay.io/team/image:1.0")),
    tensorflow_serving_image: fc.constant(null),
    processes_per_replica: fc.integer({ min: 1, max: isJob ? 1 : 100 }),
    threads_per_process: fc.integer({ min: 1, max: isJob ? 1 : 300 }),
    server_side_batching: fc.constant(null),
    log_level: fc.constantFrom("debug", "info", "warning", "error"),
    dependencies: fc.record({ pip: path, conda: path, shell: path }),
    models: fc.constant(null),
    multi_model_reloading: fc.constant(null),
    protobuf_path: kind === "RealtimeAPI" ? nullable(path) : fc.constant(null),
  });
}

const command = fc.array(anyText(), { minLength: 1, maxLength: 3 });

function anyContainers(kind: Api["kind"]): fc.Arbitrary<readonly Container[]> {
  const isJob = kind === "BatchAPI" || kind === "TaskAPI";
  const container: fc.Arbitrary<Container> = fc.record({
    name: label.filter((name) => name !== "proxy" && name !== "dequeuer"),
    image: fc.constant("python:3.12"),
    command: isJob ? command : nullable(command),
    args: nullable(command),
    env: env.map((all) => Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith("KUBEXIT_")))),
    compute: anyCompute(4),
    readiness_probe: fc.constant(null),
    liveness_probe: nullable(
      fc.record({
        http_get: fc.record({ port: fc.integer({ min: 1, max: 65_535 }), path: endpoint }),
        tcp_socket: fc.constant(null),
        exec: fc.constant(null),
        initial_delay_seconds: fc.integer({ min: 0, max: 100 }),
        timeout_seconds: fc.integer({ min: 1, max: 100 }),
        period_seconds: fc.integer({ min: 1, max: 100 }),
        success_threshold: fc.integer({ min: 1, max: 100 }),
        failure_threshold: fc.integer({ min: 1, max: 100 }),
      }),
    ),
    pre_stop: isJob
      ? fc.constant(null)
      : nullable(fc.record({ http_get: fc.constant(null), exec: fc.record({ command }) })),
  });
  return fc.uniqueArray(container, { minLength: 1, maxLength: 3, selector: (one) => one.name });
}

const autoscaling = fc
  .record({
    min_replicas: fc.integer({ min: 0, max: 50 }),
    max_replicas: fc.integer({ min: 50, max: 100 }),
    init_replicas: fc.constant(50),
    target_in_flight: fc.double({ min: 0.1, max: 1, noNaN: true }),
    window_ms: fc.integer({ min: 1, max: 60 }).map((tens) => tens * 10_000),
    downscale_stabilization_period_ms: fc.integer({ min: 0, max: 1_000_000 }),
    upscale_stabilization_period_ms: fc.integer({ min: 0, max: 1_000_000 }),
    max_downscale_factor: fc.double({ min: 0, max: 0.99, noNaN: true }),
    max_upscale_factor: fc.double({ min: 1.01, max: 100, noNaN: true }),
    downscale_tolerance: fc.double({ min: 0, max: 0.99, noNaN: true }),
    upscale_tolerance: fc.double({ min: 0, max: 100, noNaN: true }),
  })
  .map((one): Autoscaling => JSON.parse(JSON.stringify(one)) as Autoscaling);

const updateStrategy = fc.record({
  max_surge: fc.oneof(
    fc.integer({ min: 1, max: 10 }),
    fc.integer({ min: 1, max: 100 }).map((share) => `${share}%`),
  ),
  max_unavailable: fc.oneof(
    fc.integer({ min: 0, max: 10 }),
    fc.integer({ min: 0, max: 100 }).map((share) => `${share}%`),
  ),
});

const common = {
  name: label,
  networking: fc.record({ endpoint }),
  node_groups: nullable(fc.uniqueArray(label, { minLength: 1, maxLength: 3 })),
};

function anyRealtimeApi(): fc.Arbitrary<Api> {
  const limits = {
    max_concurrency: fc.integer({ min: 1, max: 30_000 }),
    max_queue_length: fc.integer({ min: 0, max: 65_535 }),
  };
  const rest = fc.record({ ...common, autoscaling, update_strategy: updateStrategy });
  const withHandler = fc.record({
    kind: fc.constant("RealtimeAPI" as const),
    handler: anyHandler("RealtimeAPI"),
    pod: fc.record({ port: nullable(fc.constant(9000)), ...limits, containers: fc.constant(null) }),
    compute: anyCompute(1),
  });
  const withContainers = fc
    .record({ port: fc.constant(9000), ...limits, containers: anyContainers("RealtimeAPI") })
    .map((pod) => ({ kind: "RealtimeAPI" as const, handler: null, pod, compute: sumOf(pod) }));
  return fc.tuple(rest, fc.oneof(withHandler, withContainers)).map(([one, other]): Api => ({ ...one, ...other }));
}

function anyJob(): fc.Arbitrary<Api> {
  return fc.constantFrom("BatchAPI" as const, "TaskAPI" as const).chain((kind) => {
    const pod = {
      port: fc.constant(kind === "TaskAPI" ? null : 9000),
      max_concurrency: fc.constant(1),
      max_queue_length: fc.constant(0),
    };
    const withHandler = fc.record({
      handler: anyHandler(kind),
      pod: fc.record({ ...pod, containers: fc.constant(null) }),
      compute: anyCompute(1),
    });
    const withContainers = fc
      .record({ ...pod, containers: anyContainers(kind) })
      .map((one) => ({ handler: null, pod: one, compute: sumOf(one) }));
    return fc
      .tuple(fc.record(common), fc.oneof(withHandler, withContainers))
      .map(([one, other]): Api => ({ kind, ...one, ...other }));
  });
}

function anySplitter(): fc.Arbitrary<Api> {
  return fc
    .record({
      name: label,
      networking: fc.record({ endpoint }),
      first: fc.integer({ min: 0, max: 100 }),
      shadow: fc.boolean(),
    })
    .map(
      ({ name, networking, first, shadow }): Api => ({
        kind: "TrafficSplitter",
        name: `s${name}`,
        networking,
        apis: [
          { name: "target-a", weight: first, shadow: false },
          { name: "target-b", weight: 100 - first, shadow: false },
          ...(shadow ? [{ name: "target-c", weight: 5, shadow: true }] : []),
        ],
      }),
    );
}

function sumOf({ containers }: Pick<Pod, "containers">): Compute {
  const all = (containers ?? []).map((one) => one.compute);
  const total = (values: readonly (number | null)[]): number | null =>
    values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
  return {
    cpu_millis: total(all.map((one) => one.cpu_millis)),
    mem_bytes: total(all.map((one) => one.mem_bytes)),
    gpu: total(all.map((one) => one.gpu)) ?? 0,
    inf: total(all.map((one) => one.inf)) ?? 0,
    shm_bytes: null,
  };
}

/** Any API that a file could describe, with names that fit together. */
export const anyApi: fc.Arbitrary<Api> = fc.oneof(anyRealtimeApi(), anyJob(), anySplitter());
