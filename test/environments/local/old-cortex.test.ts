import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, createBench } from "../../support/cortex.ts";

/** What someone has left of one generation of older releases: a folder with its files, and what it answered. */
interface Generation {
  readonly releases: string;
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** Of each warning that `deploy` gives: what to write instead. */
  readonly hints: readonly string[];
  readonly endpoint: string;
}

const queue = "pod.max_queue_length is 100 then unless you set it; it was 1024 less pod.max_concurrency";

const since014: Generation = {
  releases: "0.14 to 0.17",
  name: "flowers",
  endpoint: "/team/flowers",
  files: {
    "cortex.yaml": `
- name: flowers
  endpoint: team/flowers
  predictor:
    type: python
    path: predictor.py
    config: {labels: [setosa, versicolor]}
  tracker: {model_type: classification}
  compute: {cpu: 0.1, mem: 200M}
  autoscaling: {max_replicas: 1, workers_per_replica: 1, threads_per_worker: 2, max_replica_concurrency: 20}
`,
    "predictor.py": `
class PythonPredictor:
    def __init__(self, config):
        self.labels = config["labels"]

    def predict(self, payload):
        return self.labels[payload["petal_length"] > 2]
`,
  },
  hints: [
    "write kind: RealtimeAPI",
    "write networking.endpoint",
    `write handler; ${queue}`,
    "remove it: predictions are not monitored any more",
    "write handler.processes_per_replica",
    "write handler.threads_per_process",
    "write pod.max_concurrency and pod.max_queue_length, which sum up to it",
  ],
};

const since018: Generation = {
  releases: "0.18 to 0.33",
  name: "words",
  endpoint: "/words",
  files: {
    "cortex.yaml": `
- name: words
  kind: RealtimeAPI
  predictor:
    type: python
    path: src/predictor.py
    python_path: src
    threads_per_process: 2
    shm_size: 64Mi
    server_side_batching: {max_batch_size: 2, batch_interval: 50ms}
  networking: {local_port: 8890, api_gateway: public}
  autoscaling: {max_replicas: 1}
`,
    "src/predictor.py": `
import os
from cortex_internal.lib.log import logger
from shout import shout

class PythonPredictor:
    def __init__(self, config, metrics_client):
        logger.info("loaded", extra={"mark": os.environ["MARK"]})

    def predict(self, payload, headers, query_params):
        return [shout(one) + query["end"] + header["x-end"] for one, header, query in zip(payload, headers, query_params)]

    def post_predict(self, response):
        print("answered", response)
`,
    "src/shout.py": "shout = str.upper\n",
    ".env": 'export MARK="a b"\n',
  },
  hints: [
    `write handler; ${queue}`,
    "write compute.shm",
    "remove it: set CORTEX_LOCAL_PORT to change the local port",
    "remove it: no API gateway is made any more",
  ],
};

const since034: Generation = {
  releases: "0.34 to 0.35",
  name: "verbs",
  endpoint: "/verbs",
  files: {
    "cortex.yaml": `
- name: verbs
  kind: RealtimeAPI
  handler: {type: python, path: handler.py, log_level: debug}
  compute: {node_groups: [cpu]}
  autoscaling: {max_replicas: 1, target_replica_concurrency: 1}
`,
    "handler.py": `
from starlette.responses import Response

class Handler:
    def handle_get(self, query_params):
        return dict(query_params)

    def handle_post(self, payload):
        return type(payload).__name__, lambda: print("afterwards")

    def handle_delete(self):
        return Response(status_code=410, content="gone", media_type="text/x-note")
`,
  },
  hints: [`leave it out; ${queue}`, "write node_groups", "write autoscaling.target_in_flight"],
};

const hintsOf = (stderr: string) => stderr.split("\n").flatMap((line) => /^hint: (.+)/.exec(line)?.[1] ?? []);

describe.concurrent("files of older releases", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await createBench();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  const deploy = async ({ name, files, hints, endpoint }: Generation) => {
    const deployed = await bench.cortex(["deploy"], { cwd: await bench.project(files, name) });
    expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
    expect(deployed.stdout).toContain(`http://localhost:${bench.port}${endpoint}`);
    expect(hintsOf(deployed.stderr)).toEqual(hints);
  };
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    bench.request(path, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

  test(`of ${since014.releases}: a predictor answers, says how to ask it, and keeps to its limit`, async () => {
    await deploy(since014);
    const answered = await post(since014.endpoint, '{"petal_length": 1.4}');
    expect([answered.headers.get("content-type"), await answered.text()]).toEqual([
      "text/plain; charset=utf-8",
      "setosa",
    ]);
    expect(await (await bench.request(since014.endpoint)).json()).toEqual({
      message: "make a prediction by sending a post request to this endpoint with a json payload",
    });
    const bad = await post(since014.endpoint, "{bad");
    expect([bad.status, Object.keys((await bad.json()) as object)]).toEqual([400, ["error"]]);
    const failed = await post(since014.endpoint, "{}");
    expect([failed.status, await failed.text()]).toEqual([500, "internal server error"]);
    const [api] = (await bench.cortex(["get", "flowers", "-o", "json"])).json<{ spec: { pod: object } }[]>();
    expect(api?.spec.pod).toMatchObject({ max_concurrency: 2, max_queue_length: 18 });
  });

  test(`of ${since018.releases}: batches, what runs afterwards, .env, python_path and the logger work`, async () => {
    await deploy(since018);
    const ask = async (word: string) => (await post("/words?end=!", JSON.stringify(word), { "x-end": "?" })).text();
    expect(await Promise.all([ask("one"), ask("two")])).toEqual(["ONE!?", "TWO!?"]);
    const logs = await bench.cortex(["logs", "words", "--grep", "loaded"]);
    expect(logs.stdout).toContain('INFO cortex: loaded {"mark": "a b"}');
  });

  test(`of ${since034.releases}: every HTTP method has its own, and payloads come by content type`, async () => {
    await deploy(since034);
    const kind = async (type: string) => (await post("/verbs", "1", { "content-type": type })).text();
    expect(await Promise.all(["application/json", "text/plain", "image/png"].map(kind))).toEqual([
      "int",
      "str",
      "bytes",
    ]);
    expect(await (await bench.request("/verbs?a=1")).json()).toEqual({ a: "1" });
    const gone = await bench.request("/verbs", { method: "DELETE" });
    expect([gone.status, await gone.text()]).toEqual([410, "gone"]);
    expect((await bench.request("/verbs", { method: "PUT" })).status).toBe(405);
  });

  test("of 0.36 to 0.42: containers are refused with where they can run", async () => {
    const folder = await bench.project({
      "cortex.yaml": `
- name: boxed
  kind: RealtimeAPI
  pod:
    port: 8080
    max_concurrency: 1
    containers:
      - {name: api, image: "example.org/boxed:1", readiness_probe: {http_get: {path: /healthz, port: 8080}}}
`,
    });
    const refused = await bench.cortex(["deploy", folder]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("pod.containers cannot run on this machine");
    expect(refused.stderr).toContain("deploy it to a cluster with -e");
  });

  test("are what the Python client of 0.42 deploys, waits for, refreshes and deletes", async () => {
    const run = async (...args: string[]) => {
      const ran = await bench.cortex(args);
      expect(ran, ran.stderr).toMatchObject({ status: 0 });
      return ran;
    };
    const { environments } = (await run("env", "list", "--output", "json")).json<{
      environments: { name: string }[];
    }>();
    expect(environments.map(({ name }) => name)).toContain("local");
    const folder = await bench.project({
      "cortex.yaml": "- {name: client, kind: RealtimeAPI, predictor: {type: python, path: predictor.py}}\n",
      "predictor.py": "class PythonPredictor:\n    def predict(self, payload): return payload\n",
    });
    const file = join(folder, "cortex.yaml");
    const deployed = await run("deploy", file, "--env", "local", "-o", "json", "-y", "--force");
    const [result] = deployed.json<{ api: { spec: { name: string; kind: string } }; error: string }[]>();
    expect(result).toMatchObject({ api: { spec: { name: "client", kind: "RealtimeAPI" } }, error: "" });
    const shown = await run("get", "client", "--env", "local", "-o", "json");
    expect(shown.json<{ status: { status_code: string } }[]>()[0]?.status.status_code).toBe("status_live");
    await run("refresh", "client", "--env", "local", "-o", "json", "--force");
    await run("delete", "client", "--env", "local", "--force", "-o", "json", "--keep-cache");
    expect((await bench.cortex(["get", "client", "--env", "local", "-o", "json"])).status).toBe(4);
  });
});
