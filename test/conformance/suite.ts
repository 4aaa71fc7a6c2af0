import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, eventually } from "../support/cortex.ts";
import { runLoad } from "../support/load.ts";
import { dozing, echoing, failing, speaking, spec } from "./handlers.ts";

/** One API as `get -o json` shows it; only what this suite looks at. */
interface ApiJson {
  readonly spec: { readonly name: string };
  readonly metadata: { readonly name: string; readonly kind: string; readonly id: string };
  readonly status: { readonly status_code: string; readonly ready: number; readonly requested: number };
  readonly endpoint: string;
}

interface Answer {
  readonly text: string;
  readonly process: string;
  readonly payload: unknown;
}

/**
 * What a realtime API does in every environment, seen through the command line's JSON and through HTTP.
 * @param environment for the names of the tests
 * @param create a place where nothing is deployed
 */
export function describeConformance(environment: string, create: () => Promise<Bench>): void {
  // A cluster pulls, schedules and probes, which takes its time on a machine that is shared.
  describe.concurrent(`a realtime API on ${environment}`, { timeout: 480_000 }, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await create();
    });
    afterAll(async () => {
      await bench[Symbol.asyncDispose]();
    });

    const deploy = (folder: string, ...flags: string[]) => bench.cortex(["deploy", folder, "-o", "json", ...flags]);
    const get = async (name: string) => (await bench.cortex(["get", name, "-o", "json"])).json<ApiJson[]>()[0]!;
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      bench.request(path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      });
    /** @returns its answer, which must be one of a handler that speaks `text` when that is given */
    const answer = (name: string, text?: string) =>
      bench.heard(async () => {
        const found = (await (await post(`/${name}`, 1)).json()) as Answer;
        expect(found).toMatchObject({ ...(text !== undefined && { text }), payload: 1 });
        return found;
      });
    const refusal = (name: string) =>
      bench.heard(async () => {
        const refused = await post(`/${name}`, 1);
        expect(refused.status).toBe(503);
        expect(await refused.json()).toHaveProperty("error");
      });
    const codeOf = (ran: { json<T>(): T }) => {
      const document = ran.json<{ error: { code: string } } | { error: { code: string } }[]>();
      return Array.isArray(document) ? document[0]?.error : document.error;
    };

    test("is deployed, answers, is listed and deleted", async () => {
      const folder = await bench.project({ "cortex.yaml": spec("lives"), "handler.py": speaking("hello") });
      const deployed = await deploy(folder);
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      expect(deployed.json<{ api: ApiJson; error: string }[]>()[0]?.error).toBe("");
      await answer("lives", "hello");

      const shown = await get("lives");
      expect(shown.metadata).toMatchObject({ name: "lives", kind: "RealtimeAPI" });
      expect(shown.status).toMatchObject({ status_code: "status_live", ready: 1, requested: 1 });
      expect(shown.endpoint).toMatch(/\/lives$/);

      const deleted = await bench.cortex(["delete", "lives", "-f"]);
      expect(deleted, deleted.stderr).toMatchObject({ status: 0 });
      await bench.heard(async () => expect((await post("/lives", 1)).status).toBe(404));
      expect((await bench.cortex(["get", "lives"])).status).toBe(4);
    });

    test("an unchanged project is up to date and keeps its replicas; a changed file makes a new revision", async () => {
      const folder = await bench.project({ "cortex.yaml": spec("changes"), "handler.py": speaking("one") });
      await deploy(folder);
      const before = await answer("changes");
      const again = await bench.cortex(["deploy", folder]);
      expect(again.stdout + again.stderr).toContain("changes is up to date");
      expect(await answer("changes")).toEqual(before);
      expect((await bench.cortex(["diff", folder])).status).toBe(0);

      await writeFile(join(folder, "handler.py"), speaking("two"));
      expect((await bench.cortex(["diff", folder])).status).toBe(1);
      expect((await bench.cortex(["deploy", folder, "--dry-run"])).status).toBe(0);
      expect(await answer("changes")).toEqual(before);
      expect((await deploy(folder)).status).toBe(0);
      await answer("changes", "two");
    });

    test("a revision that cannot start is reported with its traceback, and the previous one serves on", async () => {
      const folder = await bench.project({ "cortex.yaml": spec("breaks"), "handler.py": speaking("good") });
      await deploy(folder);
      const before = await answer("breaks");
      await writeFile(join(folder, "handler.py"), failing('raise ValueError("no such weights")'));
      const failed = await deploy(folder);
      expect(failed.status).toBe(1);
      expect(codeOf(failed)).toBeTruthy();
      expect(failed.stderr).toContain("ValueError: no such weights");
      expect(failed.stderr).toContain("handler.py");
      expect(await answer("breaks")).toEqual(before);
      expect((await get("breaks")).status.status_code).toBe("status_error");

      await writeFile(join(folder, "handler.py"), speaking("mended"));
      expect((await deploy(folder)).status).toBe(0);
      await answer("breaks", "mended");
      expect((await get("breaks")).status.status_code).toBe("status_live");
    });

    test.for([
      ["has a syntax error", "class PythonPredictor(:\n    pass\n", "SyntaxError"],
      ["imports a package that is missing", "import no_such_package\n", "no_such_package"],
      ["has no class", "x = 1\n", "PythonPredictor"],
      ["ends the process", failing("import os; os._exit(7)"), "7"],
      [
        "asks for an unknown argument",
        "class PythonPredictor:\n    def __init__(self, confg):\n        pass\n    def predict(self, payload):\n        return 1\n",
        "confg",
      ],
    ] as const)("a first revision that %s fails with the cause", async ([what, handler, cause]) => {
      const name = `first-${what.replaceAll(/[^a-z]+/g, "-")}`.slice(0, 40).replace(/-$/, "");
      const folder = await bench.project({ "cortex.yaml": spec(name), "handler.py": handler });
      const failed = await bench.cortex(["deploy", folder]);
      expect(failed.status).toBe(1);
      expect(failed.stderr).toContain(cause);
      expect((await get(name)).status.status_code).toBe("status_error");
      await refusal(name);
    });

    test("a handler that hangs while it loads runs into --timeout, exit status 5", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("hangs"),
        "handler.py": failing("import time; time.sleep(3600)"),
      });
      const late = await deploy(folder, "--timeout", "3s");
      expect(late.status).toBe(5);
      expect((await bench.cortex(["delete", "hangs", "-f"])).status).toBe(0);
    });

    test("history lists revisions, rollback makes a new one of an old content", async () => {
      const folder = await bench.project({ "cortex.yaml": spec("returns"), "handler.py": speaking("old") });
      await deploy(folder);
      await writeFile(join(folder, "handler.py"), speaking("new"));
      await deploy(folder);
      const back = await bench.cortex(["rollback", "returns", "1", "-y"]);
      expect(back, back.stderr).toMatchObject({ status: 0 });
      await answer("returns", "old");
      const history = await bench.cortex(["history", "returns", "-o", "json"]);
      expect(history.json<unknown[]>()).toHaveLength(3);
      expect((await bench.cortex(["rollback", "returns", "99", "-y"])).status).toBe(4);
    });

    test("refresh replaces the replicas of the same revision", async () => {
      const folder = await bench.project({ "cortex.yaml": spec("fresh"), "handler.py": speaking("same") });
      await deploy(folder);
      const before = await answer("fresh");
      const { id } = (await get("fresh")).metadata;
      expect((await bench.cortex(["refresh", "fresh"])).status).toBe(0);
      const after = await eventually(async () => {
        const now = await answer("fresh");
        return now.process === before.process ? undefined : now;
      });
      expect(after.text).toBe("same");
      expect((await get("fresh")).metadata.id).toBe(id);
    });

    test("a replica that ends comes back", async () => {
      const handler = speaking("back").replace(
        "return {",
        "if payload == 'end':\n            os._exit(3)\n        return {",
      );
      const folder = await bench.project({ "cortex.yaml": spec("crashes"), "handler.py": handler });
      await deploy(folder);
      const before = await answer("crashes");
      const cut = await post("/crashes", "end");
      expect(cut.status).toBe(502);
      expect(await cut.json()).toHaveProperty("error");
      const after = await eventually(async () => {
        const response = await post("/crashes", 1);
        return response.ok ? ((await response.json()) as Answer) : undefined;
      }, 150_000);
      expect(after.process).not.toBe(before.process);
    });

    test("a replica that takes more than compute.mem is ended and named out of memory", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("hungry", "  compute:\n    mem: 200Mi\n"),
        "handler.py": failing("import time; self.all = bytearray(400 * 2**20); time.sleep(30)"),
      });
      const failed = await bench.cortex(["deploy", folder]);
      expect(failed.status).toBe(1);
      expect(failed.stderr).toContain("out of memory");
      expect((await get("hungry")).status.status_code).toBe("status_error_oom");
    });

    test("runs min_replicas replicas", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("many", "  autoscaling:\n    min_replicas: 2\n"),
        "handler.py": speaking("many"),
      });
      await deploy(folder);
      expect((await get("many")).status).toMatchObject({ ready: 2, requested: 2 });
      await bench.heard(async () => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => answer("many")));
        expect(new Set(answers.map(({ process }) => process)).size).toBe(2);
      });
    });

    test("methods, subpaths, queries and payload types reach the handler", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("echoes"),
        "handler.py": echoing,
      });
      const deployed = await bench.cortex(["deploy", folder]);
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      const ask = async (path: string, init?: RequestInit) => {
        const response = await bench.request(`/echoes${path}`, init);
        return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
      };
      await bench.heard(async () => {
        const asked = JSON.parse((await ask("/some/where?a=1&b=two")).body);
        expect(asked).toEqual({ method: "get", query: { a: "1", b: "two" } });
      });
      expect((await ask("", { method: "PUT", body: "x" })).body).toBe("put");
      expect((await ask("", { method: "DELETE" })).body).toBe("deleted");
      expect((await ask("", { method: "PATCH", body: "x" })).status).toBe(405);
      const text = { method: "POST", body: "grüß", headers: { "content-type": "text/plain; charset=utf-8" } };
      expect(JSON.parse((await ask("", text)).body)).toMatchObject({ type: "str", payload: "grüß" });
      const bytes = {
        method: "POST",
        body: new Uint8Array([0, 255, 1]),
        headers: { "content-type": "application/x-any" },
      };
      expect(await ask("", bytes)).toMatchObject({ status: 200, type: "application/octet-stream" });
      const form = new FormData();
      form.set("image", new Blob(["png"]), "a.png");
      expect(JSON.parse((await ask("", { method: "POST", body: form })).body)).toMatchObject({
        type: "FormData",
        payload: ["image"],
      });
      const bad = { method: "POST", body: "{", headers: { "content-type": "application/json" } };
      expect((await ask("", bad)).status).toBe(400);
    });

    test("a generator's events arrive as they are made", async () => {
      // Each event but the first is made once it is asked for.
      const handler = `import threading

class Handler:
    def __init__(self, config):
        self.wanted = threading.Semaphore(1)

    def handle_put(self):
        self.wanted.release()
        return "it comes"

    def handle_post(self, payload):
        for number in range(3):
            self.wanted.acquire()
            yield str(number)
`;
      const folder = await bench.project({
        "cortex.yaml": spec("streams").replace("path: handler.py", "path: handler.py\n    threads_per_process: 2"),
        "handler.py": handler,
      });
      const deployed = await deploy(folder);
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      const response = await bench.heard(async () => {
        const asked = await post("/streams", {});
        expect(asked.headers.get("content-type")).toContain("text/event-stream");
        return asked;
      });
      let text = "";
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (text.endsWith("\n\n")) expect((await bench.request("/streams", { method: "PUT" })).status).toBe(200);
      }
      expect(text).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\n");
    });

    test("more than max_queue_length waiting requests get 503, with the cause", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec(
          "full",
          "  pod:\n    max_concurrency: 1\n    max_queue_length: 2\n  autoscaling:\n    max_replicas: 1\n",
        ),
        "handler.py": dozing,
      });
      await deploy(folder);
      // Of a handler that was quick so far a few more would be sent to the replica ahead of time.
      await bench.heard(async () => expect((await post("/full", { until_ms: Date.now() + 500 })).status).toBe(200));
      // All of them are there by then.
      const until_ms = Date.now() + 10_000;
      const statuses = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const response = await post("/full", { until_ms });
          if (response.status === 503) expect(await response.text()).toContain("queue full");
          return response.status;
        }),
      );
      expect(statuses.filter((status) => status === 200)).toHaveLength(3);
      expect(statuses.filter((status) => status === 503)).toHaveLength(5);
    });

    test("what a handler prints is in its logs, of every revision and live", async () => {
      const handler = speaking("logs").replace("return {", 'print("saw", payload, flush=True)\n        return {');
      const folder = await bench.project({ "cortex.yaml": spec("speaks"), "handler.py": handler });
      await deploy(folder);
      await bench.heard(async () => expect((await post("/speaks", "first")).status).toBe(200));
      await eventually(async () => (await bench.cortex(["logs", "speaks"])).stdout.includes("saw first") || undefined);
      const following = bench.start(["logs", "speaks", "-f", "--grep", "saw", "-o", "json"]);
      let followed = "";
      following.stdout!.on("data", (chunk: Buffer) => {
        followed += chunk;
      });
      await eventually(() => followed.includes("saw first") || undefined);
      await post("/speaks", "second");
      await eventually(() => followed.includes("saw second") || undefined);
      following.kill("SIGINT");
      expect(JSON.parse(followed.split("\n")[0]!)).toMatchObject({ api: "speaks", text: "saw first" });
    });

    test("environment values, .env and config reach the handler", async () => {
      const handler = `import os

class PythonPredictor:
    def __init__(self, config):
        self.seen = {"config": config["greeting"], "env": os.environ["LEVEL"], "dotenv": os.environ["TOKEN"]}

    def predict(self, payload):
        return self.seen
`;
      const folder = await bench.project({
        "cortex.yaml": spec("configured", "").replace(
          "path: handler.py",
          'path: handler.py\n    config:\n      greeting: hi\n    env:\n      LEVEL: "3"',
        ),
        "handler.py": handler,
        ".env": "TOKEN=secret-1\n",
      });
      const deployed = await deploy(folder);
      await bench.heard(async () => {
        const seen = await (await post("/configured", 1)).json();
        expect(seen).toEqual({ config: "hi", env: "3", dotenv: "secret-1" });
      });
      expect(deployed.stdout + deployed.stderr).not.toContain("secret-1");
    });

    test("packages of requirements.txt are there, and one that does not exist is named", async () => {
      const handler =
        "import six\n\nclass PythonPredictor:\n    def __init__(self, config):\n        pass\n\n    def predict(self, payload):\n        return six.__version__\n";
      const folder = await bench.project({
        "cortex.yaml": spec("packaged"),
        "handler.py": handler,
        "requirements.txt": "six==1.16.0\n",
      });
      const deployed = await deploy(folder);
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      await bench.heard(async () => expect(await (await post("/packaged", 1)).text()).toContain("1.16.0"));
      await writeFile(join(folder, "requirements.txt"), "no-such-package-of-anybody==9.9\n");
      const failed = await deploy(folder);
      expect(failed.status).toBe(1);
      expect(failed.stderr).toContain("no-such-package-of-anybody");
      expect(await (await post("/packaged", 1)).text()).toContain("1.16.0");
    });

    test("of two deploys of different contents at once, one wins and the other exits 6", async () => {
      const slow = (text: string) => speaking(text).replace("self.text =", "import time; time.sleep(5); self.text =");
      const one = await bench.project({ "cortex.yaml": spec("raced"), "handler.py": slow("one") });
      const two = await bench.project({ "cortex.yaml": spec("raced"), "handler.py": slow("two") });
      const both = await Promise.all([deploy(one), deploy(two)]);
      expect(both.map(({ status }) => status).toSorted()).toEqual([0, 6]);
      const winner = both[0].status === 0 ? "one" : "two";
      await answer("raced", winner);
      const loser = both.find(({ status }) => status === 6)!;
      expect(loser.stderr).toContain("is updating");
    });

    test("an update, a refresh and a rollback under load lose no request", async () => {
      const folder = await bench.project({ "cortex.yaml": spec("loaded"), "handler.py": speaking("one") });
      await deploy(folder);
      await answer("loaded", "one");
      const stop = new AbortController();
      const load = runLoad({
        url: `http://127.0.0.1:${bench.port}/loaded`,
        ratePerSecond: 20,
        until: stop.signal,
        body: "1",
        connections: 8,
      });
      await writeFile(join(folder, "handler.py"), speaking("two"));
      expect((await deploy(folder)).status).toBe(0);
      expect((await bench.cortex(["refresh", "loaded"])).status).toBe(0);
      expect((await bench.cortex(["rollback", "loaded", "1", "-y"])).status).toBe(0);
      stop.abort();
      const report = await load;
      expect(report.failures).toEqual([]);
      expect(report.ok).toBeGreaterThan(50);
    });

    test("predict sends a file, standard input or text, and prints the answer", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("asked"),
        "handler.py": speaking("yes"),
        "sample.json": '{"a": 1}',
      });
      await deploy(folder);
      await answer("asked", "yes");
      const ask = (...args: string[]) => bench.cortex(["predict", "asked", ...args], { input: "[2]" });
      expect((await ask(join(folder, "sample.json"))).json()).toMatchObject({ payload: { a: 1 } });
      expect((await ask("-")).json()).toMatchObject({ payload: [2] });
      expect((await ask("-d", '"three"')).json()).toMatchObject({ payload: "three" });
      expect((await bench.cortex(["predict", "not-there", "-d", "1"])).status).toBe(4);
    });

    test("a bad configuration changes nothing: every problem with its place, exit status 2", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec(
          "wrong",
          "  autoscaling:\n    min_replicas: 3\n    max_replicas: 2\n  comput:\n    cpu: 1\n",
        ),
        "handler.py": speaking("never"),
      });
      const refused = await bench.cortex(["deploy", folder]);
      expect(refused.status).toBe(2);
      expect(refused.stderr).toMatch(/cortex\.yaml:\d+:\d+/);
      expect(refused.stderr).toContain("compute");
      expect((await bench.cortex(["get", "wrong"])).status).toBe(4);
      await rm(folder, { recursive: true });
      expect((await bench.cortex(["deploy", folder])).status).toBe(4);
    });
  });
}
