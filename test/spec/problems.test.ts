import { describe, expect, test } from "vitest";
import { container, problemsOf, realtime, refusalOf } from "./support/parse.ts";

/** Each line goes into a RealtimeAPI as its fourth line. */
const refusedLines: readonly [line: string, ...problems: string[]][] = [
  [
    "autoscaling: {min_replicas: 3, max_replicas: 2}",
    "4:31: iris: autoscaling.min_replicas: 3 is above max_replicas (2)",
  ],
  [
    "autoscaling: {init_replicas: 3, max_replicas: 2}",
    "4:32: iris: autoscaling.init_replicas: 3 is above max_replicas (2)",
  ],
  [
    "autoscaling: {min_replicas: 2, init_replicas: 1}",
    "4:49: iris: autoscaling.init_replicas: 1 is below min_replicas (2)",
  ],
  ["autoscaling: {min_replicas: -1}", "4:31: iris: autoscaling.min_replicas: -1 is out of range"],
  ["autoscaling: {max_replicas: 0}", "4:31: iris: autoscaling.max_replicas: 0 is out of range"],
  ["autoscaling: {max_replicas: 2.5}", '4:31: iris: autoscaling.max_replicas: expected a whole number, got "2.5"'],
  [
    'autoscaling: {max_replicas: "2"}',
    '4:31: iris: autoscaling.max_replicas: expected a whole number, got the text "2"',
  ],
  ["autoscaling: {max_replicas: }", "4:17: iris: autoscaling.max_replicas: has no value; expected whole number"],
  ["autoscaling: {max_replicas: [2]}", "4:31: iris: autoscaling.max_replicas: expected a whole number, got a list"],
  ["autoscaling: {window: 15s}", "4:25: iris: autoscaling.window: 15s is out of range"],
  ["autoscaling: {window: 5s}", "4:25: iris: autoscaling.window: 5s is out of range"],
  ["autoscaling: {window: 60}", '4:25: iris: autoscaling.window: "60" is not a valid duration'],
  ["autoscaling: {max_downscale_factor: 1}", "4:39: iris: autoscaling.max_downscale_factor: 1 is out of range"],
  ["autoscaling: {max_upscale_factor: 1}", "4:37: iris: autoscaling.max_upscale_factor: 1 is out of range"],
  ["autoscaling: {downscale_tolerance: 1}", "4:38: iris: autoscaling.downscale_tolerance: 1 is out of range"],
  ["autoscaling: {upscale_tolerance: -0.1}", "4:36: iris: autoscaling.upscale_tolerance: -0.1 is out of range"],
  ["autoscaling: {target_in_flight: 0}", "4:35: iris: autoscaling.target_in_flight: 0 is out of range"],
  [
    "autoscaling: {target_in_flight: 102}",
    "4:35: iris: autoscaling.target_in_flight: 102 is above what fits into a replica (max_concurrency 1 + max_queue_length 100)",
  ],
  ["autoscaling: [1]", "4:16: iris: autoscaling: expected a map of keys, got a list"],
  ["pod: {max_concurrency: 30001}", "4:26: iris: pod.max_concurrency: 30001 is out of range"],
  ["pod: {port: 70000}", "4:15: iris: pod.port: 70000 is out of range"],
  ["compute: {cpu: 1m}", "4:18: iris: compute.cpu: 1m is too little"],
  ["compute: {cpu: lots}", '4:18: iris: compute.cpu: "lots" is not a valid amount of cpu'],
  ["compute: {cpu: -1}", '4:18: iris: compute.cpu: "-1" is not a valid amount of cpu'],
  ["compute: {mem: 1Mi}", "4:18: iris: compute.mem: 1Mi is too little"],
  ["compute: {mem: 512MB}", '4:18: iris: compute.mem: "512MB" is not a valid amount of memory'],
  ["compute: {gpu: 1, inf: 1}", "4:26: iris: compute.inf: cannot go together with gpu"],
  ["compute: {inf: 2}", "4:18: iris: compute.inf: a handler can use one chip at most"],
  ["compute: {mem: 64Mi, shm: 65Mi}", "4:29: iris: compute.shm: 65Mi is above mem (64Mi)"],
  [
    "update_strategy: {max_surge: 0%, max_unavailable: 0}",
    "4:53: iris: update_strategy.max_unavailable: cannot be 0 together with max_surge: nothing could be replaced",
  ],
  [
    "update_strategy: {max_surge: 101%}",
    '4:32: iris: update_strategy.max_surge: "101%" is not a valid count or percentage (0% to 100%)',
  ],
  [
    "update_strategy: {max_surge: half}",
    '4:32: iris: update_strategy.max_surge: "half" is not a valid count or percentage (0% to 100%)',
  ],
  ["networking: {endpoint: /a//b}", "4:26: iris: networking.endpoint: is not a valid path"],
  ["networking: {endpoint: /}", "4:26: iris: networking.endpoint: is not a valid path"],
  ["networking: {endpoint: /a/../b}", "4:26: iris: networking.endpoint: is not a valid path"],
  ["networking: {endpoint: /a b}", "4:26: iris: networking.endpoint: is not a valid path"],
  ["apis: [{name: a, weight: 100}]", "4:3: iris: apis: is not a field of a RealtimeAPI"],
  ["max_replicas: 3", "4:3: iris: max_replicas: is not a known key"],
  ["autoscalign: {}", "4:3: iris: autoscalign: is not a known key"],
];

describe("a RealtimeAPI is refused with", () => {
  test.each(refusedLines)("%s", async (line, ...problems) => {
    expect(await problemsOf(realtime(line))).toEqual(problems);
  });
});

const refusedHandlers: readonly [handler: string, ...problems: string[]][] = [
  ["{}", "3:3: iris: handler.path: is missing"],
  ["{path: }", "3:13: iris: handler.path: has no value"],
  ["{path: ''}", "3:19: iris: handler.path: is empty"],
  ["{path: model.txt}", "3:19: iris: handler.path: is not a Python file"],
  ["{path: /srv/h.py}", "3:19: iris: handler.path: the path must be relative"],
  ["{path: ../h.py}", "3:19: iris: handler.path: the path leads out of the project"],
  ["{path: a\\h.py}", "3:19: iris: handler.path: a path needs forward slashes"],
  ["{path: h.py, type: pyhton}", '3:31: iris: handler.type: "pyhton" is not allowed'],
  ["{path: h.py, processes_per_replica: 101}", "3:48: iris: handler.processes_per_replica: 101 is out of range"],
  ["{path: h.py, threads_per_process: 0}", "3:46: iris: handler.threads_per_process: 0 is out of range"],
  [
    "{path: h.py, threads_per_process: 400, processes_per_replica: 100}",
    "3:46: iris: handler.threads_per_process: processes_per_replica x threads_per_process is 40000",
  ],
  [
    "{path: h.py, env: {CORTEX_X: 1}}",
    "3:31: iris: handler.env.CORTEX_X: names that begin with CORTEX_ are set by Cortex itself",
  ],
  ["{path: h.py, env: {1A: 1}}", "3:31: iris: handler.env.1A: is not a valid name of an environment variable"],
  ["{path: h.py, env: {A: [1]}}", "3:34: iris: handler.env.A: expected text, got a list"],
  ["{path: h.py, env: [A]}", "3:30: iris: handler.env: expected a map of name to text, got a list"],
  ["{path: h.py, config: 3}", '3:33: iris: handler.config: expected a map of keys, got "3"'],
  ["{path: h.py, log_level: warn}", '3:36: iris: handler.log_level: "warn" is not allowed'],
  [
    "{path: h.py, server_side_batching: {max_batch_size: 4}}",
    "3:25: iris: handler.server_side_batching.batch_interval: is missing",
  ],
  [
    "{path: h.py, threads_per_process: 2, server_side_batching: {max_batch_size: 4, batch_interval: 1s}}",
    "3:88: iris: handler.server_side_batching.max_batch_size: 4 is not threads_per_process (2)",
  ],
  [
    "{path: h.py, server_side_batching: {max_batch_size: 1, batch_interval: 0s}}",
    "3:64: iris: handler.server_side_batching.max_batch_size: 1 is out of range",
    "3:83: iris: handler.server_side_batching.batch_interval: 0s is out of range",
  ],
  ["{path: h.py, models: {path: s3://b/m}}", "3:25: iris: handler.models: is not for type: python"],
  ["{path: h.py, type: onnx}", "3:3: iris: handler.models: is missing: type: onnx needs it"],
  [
    "{path: h.py, type: onnx, models: {path: a, dir: b}}",
    "3:37: iris: handler.models: has path and dir; one of them is allowed",
  ],
  [
    "{path: h.py, type: onnx, models: {path: a, signature_key: k}}",
    "3:70: iris: handler.models.signature_key: goes with type: tensorflow only",
  ],
  [
    "{path: h.py, multi_model_reloading: {}}",
    "3:25: iris: handler.multi_model_reloading: needs one of path, paths and dir",
  ],
  [
    "{path: h.py, multi_model_reloading: {dir: a, cache_size: 3, disk_cache_size: 2}}",
    "3:69: iris: handler.multi_model_reloading.cache_size: 3 is above disk_cache_size (2)",
  ],
  [
    "{path: h.py, multi_model_reloading: {dir: a, cache_size: 3}}",
    "3:69: iris: handler.multi_model_reloading.cache_size: needs disk_cache_size as well",
  ],
  [
    "{path: h.py, processes_per_replica: 2, multi_model_reloading: {dir: a, cache_size: 1, disk_cache_size: 2}}",
    "3:51: iris: handler.multi_model_reloading: models are cached in one process only",
  ],
  [
    "{path: h.py, type: tensorflow, models: {path: m}, server_side_batching: {max_batch_size: 4, batch_interval: 1s}}",
    "3:101: iris: handler.server_side_batching.max_batch_size: 4 requests never come together: a replica takes 1",
  ],
  [
    "{path: h.py, tensorflow_serving_image: i}",
    "3:51: iris: handler.tensorflow_serving_image: goes with type: tensorflow only",
  ],
  ["{path: h.py, image: 'a b'}", '3:32: iris: handler.image: "a b" is not a valid image'],
  ["handler.py", '3:12: iris: handler: expected a map of keys, got the text "handler.py"'],
];

describe("a handler is refused with", () => {
  test.each(refusedHandlers)("%s", async (handler, ...problems) => {
    expect(await problemsOf(`- name: iris\n  kind: RealtimeAPI\n  handler: ${handler}\n`)).toEqual(problems);
  });
});

const refusedContainers: readonly [line: string, ...problems: string[]][] = [
  [
    "env: {KUBEXIT_A: 1}",
    "7:15: iris: pod.containers[0].env.KUBEXIT_A: names that begin with KUBEXIT_ are set by Cortex itself",
  ],
  ["compute: {mem: 64Mi, shm: 65Mi}", "7:35: iris: pod.containers[0].compute.shm: 65Mi is above mem (64Mi)"],
  ["command: []", "7:18: iris: pod.containers[0].command: has 0 items; it needs at least 1"],
  ["command: run", '7:18: iris: pod.containers[0].command: expected a list of texts, got the text "run"'],
  ["readiness_probe: {period_seconds: 3}", "7:9: iris: pod.containers[0].readiness_probe: says nothing"],
  [
    "liveness_probe: {tcp_socket: {port: 1}, exec: {command: [a]}}",
    "7:9: iris: pod.containers[0].liveness_probe: has tcp_socket and exec; one of them is allowed",
  ],
  ["readiness_probe: {http_get: {path: /}}", "7:27: iris: pod.containers[0].readiness_probe.http_get.port: is missing"],
];

describe("a container is refused with", () => {
  test.each(refusedContainers)("%s", async (line, ...problems) => {
    expect(await problemsOf(container(line))).toEqual(problems);
  });
});

const refusedFiles: readonly [what: string, text: string, ...problems: string[]][] = [
  ["no handler and no container", "- name: iris\n  kind: RealtimeAPI\n", "1:3: iris: nothing says what runs"],
  [
    "a handler and a container",
    "- name: iris\n  handler: {path: h.py}\n  pod: {containers: [{name: a, image: i}]}\n",
    "3:9: iris: pod.containers: stands beside a handler; only one of them can run",
  ],
  [
    "compute beside containers",
    "- name: iris\n  compute: {cpu: 1}\n  pod: {containers: [{name: a, image: i}]}\n",
    "2:3: iris: compute: goes with a handler; containers have their own",
  ],
  [
    "two containers of one name, and a taken one",
    "- name: iris\n  pod: {port: 8888, containers: [{name: a, image: i}, {name: a, image: i}, {name: proxy, image: i}]}\n",
    "2:15: iris: pod.port: port 8888 is taken by the proxy beside the containers",
    "2:62: iris: pod.containers[1].name: a is the name of two containers",
    "2:83: iris: pod.containers[2].name: the name proxy is taken",
  ],
  ["no name", "- handler: {path: h.py}\n", "1:3: api 1: name: is missing"],
  ["a bad name", "- name: Iris_1\n  handler: {path: h.py}\n", '1:9: Iris_1: name: "Iris_1" is not a valid name'],
  [
    "a name that is too long",
    `- name: ${"a".repeat(43)}\n  handler: {path: h.py}\n`,
    `1:9: ${"a".repeat(43)}: name: is 43 characters long`,
  ],
  [
    "b- as the beginning of a name, with containers",
    "- name: b-x\n  pod: {containers: [{name: a, image: i}]}\n",
    "1:9: b-x: name: b-x begins with b-, which is taken with containers",
  ],
  [
    "a name twice",
    "- name: iris\n  handler: {path: h.py}\n- name: iris\n  handler: {path: h.py}\n",
    "3:9: iris: name: iris is the name of an API in line 1 already",
  ],
  [
    "an endpoint twice",
    "- name: a\n  handler: {path: h.py}\n- name: b\n  handler: {path: h.py}\n  networking: {endpoint: a/}\n",
    "5:26: b: networking.endpoint: /a is the endpoint of a already",
  ],
  [
    "an unknown kind",
    "- name: a\n  kind: RealTimeApi\n  handler: {path: h.py}\n",
    '2:9: a: kind: "RealTimeApi" is not allowed',
  ],
  ["an item that is no map", "- iris\n", '1:3: api 1: expected an API: a map of keys, got the text "iris"'],
  [
    "autoscaling of a job",
    "- name: a\n  kind: BatchAPI\n  handler: {path: h.py, threads_per_process: 2}\n  autoscaling: {min_replicas: 1}\n",
    "3:46: a: handler.threads_per_process: a BatchAPI works on one thing at a time",
    "4:3: a: autoscaling: is not a field of a BatchAPI",
  ],
  [
    "a job's container without a command",
    "- name: a\n  kind: TaskAPI\n  pod: {port: 80, containers: [{name: a, image: i}]}\n",
    "3:9: a: pod.port: is not a field of a TaskAPI",
    "3:32: a: pod.containers[0].command: is missing: a TaskAPI needs it",
  ],
  [
    "too much concurrency of an AsyncAPI",
    "- name: a\n  kind: AsyncAPI\n  pod: {max_concurrency: 101, max_queue_length: 3, containers: [{name: a, image: i}]}\n",
    "3:26: a: pod.max_concurrency: 101 is out of range",
    "3:31: a: pod.max_queue_length: is not a field of an AsyncAPI",
  ],
  ["a splitter without targets", "- name: s\n  kind: TrafficSplitter\n", "1:3: s: apis: is missing"],
  [
    "a splitter whose weights are wrong",
    "- name: s\n  kind: TrafficSplitter\n  apis: [{name: a, weight: 50}, {name: a, weight: 40}, {name: c, weight: 101}]\n",
    "3:40: s: apis[1].name: a is listed twice",
    "3:74: s: apis[2].weight: 101 is out of range",
  ],
  [
    "a splitter whose weights do not sum up",
    "- name: s\n  kind: TrafficSplitter\n  apis: [{name: a, weight: 50}, {name: b, weight: 40}, {name: c, weight: 10, shadow: true}]\n",
    "3:3: s: apis: the weights sum up to 90",
  ],
  [
    "a splitter with two shadows, of a job",
    [
      "- {name: job, kind: TaskAPI, handler: {path: h.py}}",
      "- name: s",
      "  kind: TrafficSplitter",
      "  apis:",
      "    - {name: a, weight: 100}",
      "    - {name: job, weight: 1, shadow: true}",
      "    - {name: b, weight: 1, shadow: yes}",
    ].join("\n"),
    "6:14: s: apis[1].name: job is a TaskAPI",
    "7:36: s: apis[2].shadow: a second API gets copies",
  ],
];

describe("a file is refused with", () => {
  test.each(refusedFiles)("%s", async (_, text, ...problems) => {
    expect(await problemsOf(text)).toEqual(problems);
  });
});

test("a file with one problem is refused with that problem, its line and what to do", async () => {
  const error = await refusalOf(realtime("autoscaling:", "  min_replicas: 3", "  max_replicas: 2"));
  expect(error).toMatchObject({
    message: "iris: autoscaling.min_replicas: 3 is above max_replicas (2)",
    at: { file: "cortex.yaml", line: 5, column: 19, text: "    min_replicas: 3" },
    hint: "raise max_replicas to 3 or more",
    problems: [{ message: "iris: autoscaling.min_replicas: 3 is above max_replicas (2)" }],
  });
});

test("all problems of a file are told at once, in its order", async () => {
  const error = await refusalOf(
    [
      "- name: a",
      "  handler: {pth: h.py}",
      "  compute: {cpu: x}",
      "- name: b",
      "  kind: Nothing",
      "  autoscaling: {window: 1}",
    ].join("\n"),
  );
  expect(error.message).toBe("6 problems in cortex.yaml");
  expect(error.at).toBeUndefined();
  expect(error.problems.map(({ at }) => at?.line)).toEqual([2, 2, 3, 4, 5, 6]);
});

test("more than a hundred problems are counted, and the first hundred told", async () => {
  const error = await refusalOf(realtime(...Array.from({ length: 150 }, (_, index) => `x${index}: 1`)));
  expect(error.message).toBe("150 problems in cortex.yaml, the first 100 of them here");
  expect(error.problems).toHaveLength(100);
});

test.each([
  ["autoscaling: {max_replica: 1}", "did you mean max_replicas?"],
  ["autoscaling: {maxReplicas: 1}", "did you mean max_replicas?"],
  ["max_replicas: 1", "did you mean autoscaling.max_replicas?"],
  ["compute: {memory: 1Gi}", "known here: cpu, mem, gpu, inf, shm"],
  ["compute: {mem: 512m}", "write 512Mi or 512M"],
  ["compute: {mem: 512MB}", "write 512Mi or 512M"],
  ["autoscaling: {window: 60}", "give it a unit: 60s"],
  ['autoscaling: {max_replicas: "2"}', "write it without quotes"],
])("%s gets the hint: %s", async (line, hint) => {
  expect((await refusalOf(realtime(line))).hint).toBe(hint);
});

test("the kind that was almost named is in the hint", async () => {
  const error = await refusalOf("- name: a\n  kind: realtimeApi\n  handler: {path: h.py}\n");
  expect(error.hint).toBe(
    "did you mean RealtimeAPI? (one of RealtimeAPI, AsyncAPI, BatchAPI, TaskAPI, TrafficSplitter)",
  );
});

test("an older key keeps its name in a problem", async () => {
  expect(
    await problemsOf("- name: a\n  kind: RealtimeAPI\n  predictor: {type: python, path: p.py, pythn_path: x}\n"),
  ).toEqual(["3:41: a: predictor.pythn_path: is not a known key"]);
});

test("what an environment variable holds is shown neither in a message nor as a line", async () => {
  const error = await refusalOf(
    "- name: a\n  handler:\n    path: h.py\n    env:\n      CORTEX_KEY: hunter2\n      B: [hunter2]\n",
  );
  expect(error.problems).toHaveLength(2);
  expect(JSON.stringify(error.problems)).not.toContain("hunter2");
});

describe("paths", () => {
  const exists = (path: string) =>
    (({ "h.py": "file", lib: "folder" })[path] as "file" | "folder" | undefined) ?? false;

  test("that are in the project pass", async () => {
    expect(await problemsOf("- name: a\n  handler: {path: ./h.py, python_path: lib/, x: 1}\n", { exists })).toEqual([
      "2:46: a: handler.x: is not a known key",
    ]);
  });

  test("that are not there, or something else, are refused", async () => {
    expect(
      await problemsOf(
        "- name: a\n  handler:\n    path: lib/h.py\n    python_path: h.py\n    dependencies: {pip: reqs.txt}\n    protobuf_path: lib\n",
        { exists },
      ),
    ).toEqual([
      "3:11: a: handler.path: there is no file lib/h.py",
      "4:18: a: handler.python_path: h.py is a file, not a folder",
      "5:25: a: handler.dependencies.pip: there is no file reqs.txt",
      "6:20: a: handler.protobuf_path: lib is a folder, not a file",
    ]);
  });
});
