import { expect, test } from "vitest";
import { container, parse, parseOne, realtime } from "./support/parse.ts";

const autoscaling = {
  min_replicas: 1,
  max_replicas: 100,
  init_replicas: 1,
  target_in_flight: 1,
  window_ms: 60_000,
  downscale_stabilization_period_ms: 300_000,
  upscale_stabilization_period_ms: 60_000,
  max_downscale_factor: 0.75,
  max_upscale_factor: 1.5,
  downscale_tolerance: 0.05,
  upscale_tolerance: 0.05,
};
const compute = { cpu_millis: 200, mem_bytes: null, gpu: 0, inf: 0, shm_bytes: null };
const handler = {
  type: "python",
  path: "handler.py",
  config: {},
  env: {},
  python_path: null,
  image: null,
  tensorflow_serving_image: null,
  processes_per_replica: 1,
  threads_per_process: 1,
  server_side_batching: null,
  log_level: "info",
  dependencies: { pip: "requirements.txt", conda: "conda-packages.txt", shell: "dependencies.sh" },
  models: null,
  multi_model_reloading: null,
  protobuf_path: null,
};
const update_strategy = { max_surge: "25%", max_unavailable: "25%" };

test("a handler and a name are enough", async () => {
  const { apis, warnings } = await parse("- name: iris\n  handler: {path: handler.py}\n");
  expect(apis).toEqual([
    {
      kind: "RealtimeAPI",
      name: "iris",
      handler,
      pod: { port: null, max_concurrency: 1, max_queue_length: 100, containers: null },
      compute,
      autoscaling,
      update_strategy,
      networking: { endpoint: "/iris" },
      node_groups: null,
    },
  ]);
  expect(warnings).toEqual([]);
});

test("a container and a name are enough", async () => {
  expect(await parseOne(container())).toEqual({
    kind: "RealtimeAPI",
    name: "iris",
    handler: null,
    pod: {
      port: 8080,
      max_concurrency: 1,
      max_queue_length: 100,
      containers: [
        {
          name: "api",
          image: "python:3.12",
          command: null,
          args: null,
          env: {},
          compute,
          readiness_probe: null,
          liveness_probe: null,
          pre_stop: null,
        },
      ],
    },
    compute,
    autoscaling,
    update_strategy,
    networking: { endpoint: "/iris" },
    node_groups: null,
  });
});

test("probes have the numbers of Kubernetes, and one way to look", async () => {
  const api = await parseOne(
    container("readiness_probe: {http_get: {port: 8080, path: /ready}}", "pre_stop: {exec: {command: [sleep, 5]}}"),
  );
  expect("pod" in api && api.pod.containers?.[0]).toMatchObject({
    readiness_probe: {
      http_get: { port: 8080, path: "/ready" },
      tcp_socket: null,
      exec: null,
      initial_delay_seconds: 0,
      timeout_seconds: 1,
      period_seconds: 10,
      success_threshold: 1,
      failure_threshold: 3,
    },
    pre_stop: { http_get: null, exec: { command: ["sleep", "5"] } },
  });
});

test.each(["AsyncAPI", "BatchAPI", "TaskAPI"])("a %s parses with a handler and with containers", async (kind) => {
  const { apis } = await parse(`
- {name: a, kind: ${kind}, handler: {path: handler.py}}
- {name: c, kind: ${kind}, pod: {containers: [{name: m, image: i, command: [run]}]}}
`);
  expect(apis.map((api) => api.kind)).toEqual([kind, kind]);
  expect(apis[0]).toMatchObject({ handler, pod: { max_concurrency: 1, max_queue_length: 0, containers: null } });
  expect(apis[1]).toMatchObject({
    handler: null,
    pod: { port: kind === "TaskAPI" ? null : 8080, containers: [{ name: "m" }] },
  });
  expect(apis.map((api) => "autoscaling" in api)).toEqual([kind === "AsyncAPI", kind === "AsyncAPI"]);
});

test("a TrafficSplitter parses", async () => {
  expect(
    await parseOne(
      "- name: split\n  kind: TrafficSplitter\n  apis: [{name: a, weight: 80}, {name: b, weight: 20}, {name: c, weight: 5, shadow: true}]\n",
    ),
  ).toEqual({
    kind: "TrafficSplitter",
    name: "split",
    apis: [
      { name: "a", weight: 80, shadow: false },
      { name: "b", weight: 20, shadow: false },
      { name: "c", weight: 5, shadow: true },
    ],
    networking: { endpoint: "/split" },
  });
});

test.each([
  ["compute: {cpu: null}", { compute: { cpu_millis: null } }],
  ["compute: {cpu: 1, mem: 1G, gpu: 2}", { compute: { cpu_millis: 1000, mem_bytes: 1_000_000_000, gpu: 2 } }],
  ["compute:", { compute }],
  ["autoscaling: {min_replicas: 0, max_replicas: 3}", { autoscaling: { min_replicas: 0, init_replicas: 0 } }],
  ["autoscaling: {min_replicas: 2, init_replicas: 3}", { autoscaling: { init_replicas: 3 } }],
  [
    "autoscaling: {window: 1m30s, upscale_stabilization_period: 0s}",
    { autoscaling: { window_ms: 90_000, upscale_stabilization_period_ms: 0 } },
  ],
  ["update_strategy: {max_surge: 0, max_unavailable: 2}", { update_strategy: { max_surge: 0, max_unavailable: 2 } }],
  ["update_strategy: {max_surge: 10%}", { update_strategy: { max_surge: "10%" } }],
  ["networking: {endpoint: a/b/}", { networking: { endpoint: "/a/b" } }],
  ["node_groups: [cpu, gpu]", { node_groups: ["cpu", "gpu"] }],
  ["node_groups: []", { node_groups: null }],
])("%s is read", async (line, wanted) => {
  expect(await parseOne(realtime(line))).toMatchObject(wanted);
});

test("what several containers use is summed up", async () => {
  const api = await parseOne(`
- name: iris
  pod:
    containers:
      - {name: a, image: i, compute: {cpu: 1, mem: 1Gi, gpu: 1}}
      - {name: b, image: i, compute: {mem: 512Mi}}
`);
  expect(api).toMatchObject({ compute: { cpu_millis: 1200, mem_bytes: 1536 * 2 ** 20, gpu: 1 } });
});

test("environment variables are text as it was written", async () => {
  const api = await parseOne(
    '- name: iris\n  handler: {path: h.py, env: {A: 1.10, B: yes, C: true, D: "x", E: , F: 007}}\n',
  );
  expect("handler" in api && api.handler?.env).toEqual({ A: "1.10", B: "yes", C: "true", D: "x", E: "", F: "007" });
});

test("config holds any values, and no key of it is special", async () => {
  const api = await parseOne(`
- name: iris
  handler:
    path: h.py
    config:
      list: [1, 2.5, null, "3", {a: b}]
      0x10: 0x10
      __proto__: {polluted: true}
      text: |
        two
        lines
`);
  const config = "handler" in api ? api.handler?.config : undefined;
  expect(JSON.stringify(config)).toBe(
    '{"list":[1,2.5,null,"3",{"a":"b"}],"0x10":16,"__proto__":{"polluted":true},"text":"two\\nlines\\n"}',
  );
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("a yes in config is text, and said to be", async () => {
  const { apis, warnings } = await parse('- name: iris\n  handler: {path: h.py, config: {debug: no, quoted: "no"}}\n');
  expect(apis[0]).toMatchObject({ handler: { config: { debug: "no", quoted: "no" } } });
  expect(warnings).toMatchObject([{ hint: "write false, or put it in quotes", at: { line: 2, column: 41 } }]);
});

test("a Python handler with batching gets a thread for each request of a batch", async () => {
  const api = await parseOne(
    "- name: iris\n  handler: {path: h.py, server_side_batching: {max_batch_size: 16, batch_interval: 20ms}}\n",
  );
  expect(api).toMatchObject({
    handler: { threads_per_process: 16, server_side_batching: { max_batch_size: 16, batch_interval_ms: 20 } },
    pod: { max_concurrency: 16 },
  });
});

test("the order of the file is kept", async () => {
  const { apis } = await parse("- {name: b, handler: {path: h.py}}\n- {name: a, handler: {path: h.py}}\n");
  expect(apis.map(({ name }) => name)).toEqual(["b", "a"]);
});
