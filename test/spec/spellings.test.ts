import { describe, expect, test } from "vitest";
import type { RealtimeApi } from "../../src/spec/api.ts";
import { parse, parseOne, problemsOf, shown } from "./support/parse.ts";

const ours = `
- name: iris
  kind: RealtimeAPI
  handler:
    path: serve/iris.py
    config: {threshold: 0.7}
    env: {LEVEL: 3}
    python_path: serve
    processes_per_replica: 2
    threads_per_process: 3
    log_level: debug
  pod: {max_concurrency: 6, max_queue_length: 44}
  compute: {cpu: 500m, mem: 1Gi, shm: 64Mi}
  autoscaling: {min_replicas: 2, max_replicas: 4, target_in_flight: 5, window: 30s}
  networking: {endpoint: /team/iris}
`;

const since034 = `
- name: iris
  kind: RealtimeAPI
  handler:
    type: python
    path: serve/iris.py
    config: {threshold: 0.7}
    env: {LEVEL: 3}
    python_path: serve/
    processes_per_replica: 2
    threads_per_process: 3
    log_level: debug
    shm_size: 64Mi
  compute: {cpu: 0.5, mem: 1Gi}
  autoscaling:
    min_replicas: 2
    max_replicas: 4
    max_replica_concurrency: 50
    target_replica_concurrency: 5
    window: 30s
  networking: {endpoint: team/iris}
`;

const since018 = since034.replace("handler:", "predictor:");

const since014 = `
- name: iris
  endpoint: /team/iris/
  predictor:
    type: python
    path: ./serve/iris.py
    config: {threshold: 0.7}
    env: {LEVEL: 3}
    python_path: serve
    log_level: debug
    shm_size: 64Mi
  tracker: {model_type: classification}
  compute: {cpu: 500m, mem: 1024Mi}
  autoscaling:
    min_replicas: 2
    max_replicas: 4
    workers_per_replica: 2
    threads_per_worker: 3
    max_replica_concurrency: 50
    target_replica_concurrency: 5
    window: 30s
`;

describe("the spellings of a handler", () => {
  test("of every release mean the same", async () => {
    const wanted = await parseOne(ours);
    for (const spelling of [since034, since018, since014]) expect(await parseOne(spelling)).toEqual(wanted);
  });

  test("of today cause no warning", async () => {
    expect((await parse(ours)).warnings).toEqual([]);
  });

  test("of older releases cause a warning for each old key, with its place and what to write", async () => {
    const { warnings } = await parse(since014);
    expect(warnings.map(shown)).toMatchInlineSnapshot(`
      [
        "2:3: iris: has no kind, as in Cortex 0.14 to 0.18",
        "3:3: iris: endpoint: is an older spelling (Cortex 0.14 to 0.17)",
        "4:3: iris: predictor: is an older spelling (Cortex 0.14 to 0.33)",
        "11:5: iris: predictor.shm_size: is an older spelling (Cortex 0.26 to 0.35)",
        "12:3: iris: tracker: is not used any more (Cortex 0.14 to 0.16)",
        "17:5: iris: autoscaling.workers_per_replica: is an older spelling (Cortex 0.14 to 0.17)",
        "18:5: iris: autoscaling.threads_per_worker: is an older spelling (Cortex 0.14 to 0.17)",
        "19:5: iris: autoscaling.max_replica_concurrency: is an older spelling (Cortex 0.14 to 0.35)",
        "20:5: iris: autoscaling.target_replica_concurrency: is an older spelling (Cortex 0.14 to 0.35)",
      ]
    `);
    const hints = warnings.map((warning) => warning.hint);
    expect(hints).toContain("write networking.endpoint");
    expect(hints).toContain("write pod.max_concurrency and pod.max_queue_length, which sum up to it");
  });

  test("are warned of once per file, with a count", async () => {
    const one = (name: string) => `- {name: ${name}, kind: RealtimeAPI, predictor: {path: p.py}}\n`;
    const { warnings } = await parse(one("a") + one("b") + one("c"));
    expect(warnings.map(shown)).toEqual([
      "1:32: a: predictor: is an older spelling (Cortex 0.14 to 0.33) (and 2 more in this file)",
    ]);
  });

  test("cannot say the same thing twice", async () => {
    expect(
      await problemsOf(`
- name: iris
  endpoint: /a
  handler: {path: h.py}
  networking: {endpoint: /b}
  pod: {max_concurrency: 3}
  autoscaling: {max_replica_concurrency: 10}
`),
    ).toEqual([
      "3:3: iris: endpoint: is the older spelling of networking.endpoint, which is set too",
      "7:17: iris: autoscaling.max_replica_concurrency: is the older spelling of pod.max_concurrency + pod.max_queue_length, and pod.max_concurrency is set too",
    ]);
  });
});

describe("the requests that fit into a replica", () => {
  const limitsOf = async (lines: string) => {
    const { pod, autoscaling } = (await parseOne(`- name: iris\n${lines}`)) as RealtimeApi;
    return [pod.max_concurrency, pod.max_queue_length, autoscaling.target_in_flight];
  };

  test.each([
    ["today", "  handler: {path: h.py}", [1, 100, 1]],
    ["today, with threads", "  handler: {path: h.py, processes_per_replica: 2, threads_per_process: 4}", [8, 100, 8]],
    ["today, with a limit", "  handler: {path: h.py}\n  pod: {max_concurrency: 30000}", [30_000, 100, 30_000]],
    ["today, without a queue", "  handler: {path: h.py}\n  pod: {max_queue_length: 0}", [1, 0, 1]],
    ["in 0.34", "  handler: {type: python, path: h.py, threads_per_process: 4}", [4, 1020, 4]],
    ["in 0.33", "  predictor: {type: python, path: h.py, threads_per_process: 4}", [4, 1020, 4]],
    ["in 0.33, with a limit", "  predictor: {path: h.py}\n  autoscaling: {max_replica_concurrency: 10}", [1, 9, 1]],
    [
      "in 0.33, with a limit below the threads",
      "  predictor: {path: h.py, threads_per_process: 4}\n  autoscaling: {max_replica_concurrency: 2}",
      [2, 0, 2],
    ],
    [
      "in 0.18, with the highest limit",
      "  predictor: {path: h.py}\n  autoscaling: {max_replica_concurrency: 65535}",
      [1, 65_534, 1],
    ],
  ])("%s", async (_, lines, limits) => {
    expect(await limitsOf(lines)).toEqual(limits);
  });
});

describe("models of older releases", () => {
  const modelsOf = async (lines: string) => {
    const api = await parseOne(
      `- name: iris\n  kind: RealtimeAPI\n  predictor:\n    type: tensorflow\n    path: p.py\n${lines}`,
    );
    return "handler" in api ? api.handler?.models : undefined;
  };
  const none = { path: null, paths: null, dir: null, signature_key: null, cache_size: null, disk_cache_size: null };

  test.each([
    [
      "model",
      "    model: s3://b/m\n    signature_key: predict\n",
      { ...none, path: "s3://b/m", signature_key: "predict" },
    ],
    ["model_path", "    model_path: s3://b/m.zip\n", { ...none, path: "s3://b/m.zip" }],
    [
      "a list of models",
      "    models:\n      - {name: a, model_path: s3://b/a, signature_key: k}\n      - {name: b, path: s3://b/b}\n",
      {
        ...none,
        paths: [
          { name: "a", path: "s3://b/a", signature_key: "k" },
          { name: "b", path: "s3://b/b", signature_key: null },
        ],
      },
    ],
    ["models.dir", "    models: {dir: s3://b/}\n", { ...none, dir: "s3://b/" }],
  ])("%s", async (_, lines, wanted) => {
    expect(await modelsOf(lines)).toEqual(wanted);
  });
});

test("a TaskAPI's definition is its handler", async () => {
  const { apis, warnings } = await parse(
    "- name: train\n  kind: TaskAPI\n  definition: {path: task.py, config: {n: 1}}\n",
  );
  expect(apis[0]).toMatchObject({ kind: "TaskAPI", handler: { path: "task.py", config: { n: 1 } } });
  expect(warnings.map(({ hint }) => hint)).toEqual(["write handler"]);
});

test.each([
  ["SyncAPI", "handler: {path: p.py}", "RealtimeAPI"],
  ["APISplitter", "apis: [{name: a, weight: 100}]", "TrafficSplitter"],
])("the kind %s is called otherwise now", async (kind, line, name) => {
  const { apis, warnings } = await parse(`- name: iris\n  kind: ${kind}\n  ${line}\n`);
  expect(apis[0]).toMatchObject({ kind: name });
  expect(warnings.map(shown)).toEqual([`2:3: iris: kind: ${kind} is an older name`]);
  expect(warnings[0]?.hint).toBe(`write kind: ${name}`);
});

test.each([
  ["model_path: s3://b/m", { path: "s3://b/m" }, ["write handler.multi_model_reloading.path"]],
  ["models: {dir: s3://b/}", { dir: "s3://b/" }, ["write handler.multi_model_reloading"]],
  [
    "models: [{name: a, model_path: s3://b/a}]",
    { paths: [{ name: "a", path: "s3://b/a" }] },
    ["write handler.multi_model_reloading.paths", "write handler.multi_model_reloading.paths.path"],
  ],
])("a Python class had its models at %s", async (line, wanted, hints) => {
  const text = `- name: iris\n  kind: RealtimeAPI\n  predictor:\n    type: python\n    path: p.py\n    ${line}\n`;
  const { apis, warnings } = await parse(text);
  expect(apis[0]).toMatchObject({ handler: { models: null, multi_model_reloading: wanted } });
  expect(warnings.slice(1).map(({ hint }) => hint)).toEqual(hints);
});
