import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { agentClient } from "../../../src/environments/local/agent-client.ts";
import { agentAddress } from "../../../src/platform/home.ts";
import { speaking, spec, waiting } from "../../conformance/handlers.ts";
import { type Bench, createBench, endProcess, eventually } from "../../support/cortex.ts";

interface Shown {
  readonly metadata: { readonly name: string };
  readonly status: { readonly status_code: string };
  readonly metrics: { readonly in_flight: number };
}

const get = async (bench: Bench, name: string) => (await bench.cortex(["get", name, "-o", "json"])).json<Shown[]>()[0];

const reaches = (bench: Bench, name: string, code: string) =>
  eventually(async () => (await get(bench, name))?.status.status_code === code || undefined);

const post = (bench: Bench, path: string, body: unknown) =>
  bench.request(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });

const textOf = async (bench: Bench, name: string) =>
  ((await (await post(bench, `/${name}`, 1)).json()) as { text: string }).text;

const slowly = (text: string, seconds: number) =>
  speaking(text).replace("self.text =", `import time; time.sleep(${seconds}); self.text =`);

describe("after the agent was killed in the middle of an update", () => {
  async function interrupted(bench: Bench) {
    const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("one") });
    await bench.cortex(["deploy", folder]);
    await writeFile(join(folder, "handler.py"), slowly("two", 2));
    await bench.cortex(["deploy", folder, "--no-wait"]);
    await endProcess((await bench.agentPid())!);
    return folder;
  }

  test("a deploy of something newer is not overridden by that update", async () => {
    await using bench = await createBench();
    const folder = await interrupted(bench);
    await writeFile(join(folder, "handler.py"), slowly("three", 1));
    const deployed = await bench.cortex(["deploy", folder]);
    expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
    expect(await textOf(bench, "a")).toBe("three");
    expect(await get(bench, "a")).toMatchObject({ status: { status_code: "status_live" } });
  });

  test("the same deploy again goes on with the same revision", async () => {
    await using bench = await createBench();
    const folder = await interrupted(bench);
    expect(await bench.cortex(["deploy", folder])).toMatchObject({ status: 0 });
    expect(await textOf(bench, "a")).toBe("two");
    expect((await bench.cortex(["history", "a", "-o", "json"])).json<unknown[]>()).toHaveLength(2);
  });
});

test("what a killed agent and its replicas left behind is removed by the next one", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("a") });
  await bench.cortex(["deploy", folder]);
  await endProcess((await bench.agentPid())!);
  await writeFile(join(bench.home, "local/apis/a/state.json.0a0a.partial"), "{");
  await mkdir(join(bench.home, "local/apis/.removed-b"));
  await bench.cortex(["get"]);
  await reaches(bench, "a", "status_live");
  expect(await readdir(join(bench.home, "local/replicas"))).toHaveLength(1);
  expect((await readdir(join(bench.home, "run"))).filter((name) => name !== "agent.sock")).toHaveLength(1);
  expect((await readdir(join(bench.home, "local/apis/a"))).toSorted()).toEqual(["revision-1.json", "state.json"]);
  expect(await readdir(join(bench.home, "local/apis"))).toEqual(["a"]);
});

test("an agent that is told to end answers what is in-flight, and a command given meanwhile waits for the next one", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": waiting });
  await bench.cortex(["deploy", folder]);
  const until = join(bench.home, "..", "go");
  const answer = post(bench, "/a", { until });
  answer.catch(() => {});
  await eventually(async () => (await get(bench, "a"))?.metrics.in_flight === 1 || undefined);
  const older = await bench.agentPid();
  process.kill(older!, "SIGTERM");
  await eventually(async () => ((await bench.agentPid()) === undefined ? true : undefined));
  let isShown = false;
  const showing = bench.cortex(["get", "-o", "json"]).finally(() => {
    isShown = true;
  });
  // A command that waits shows nothing of it: after a second it would long have answered, and the agent waits for ten.
  await new Promise((passed) => setTimeout(passed, 1_000));
  expect(isShown).toBe(false);
  await writeFile(until, "");
  const shown = await showing;
  expect(shown, shown.stderr).toMatchObject({ status: 0 });
  expect(await (await answer).text()).toBe("it is there");
  expect(await bench.agentPid()).not.toBe(older);
});

test("an agent that leaves just as it is told to deploy is started again, and does", async () => {
  await using bench = await createBench();
  const project = (name: string) => bench.project({ "cortex.yaml": spec(name), "handler.py": speaking(name) });
  await bench.cortex(["deploy", await project("a")]);
  const address = agentAddress(bench.home);
  const info = await agentClient(address).json("GET", "/agent", AbortSignal.timeout(60_000));
  await endProcess((await bench.agentPid())!);
  // In its place one that has nothing deployed, as while a large project is stored.
  const leaving = createServer((request, response) => {
    if (request.method === "GET") return response.end(JSON.stringify(request.url?.endsWith("/agent") ? info : []));
    leaving.close();
    return leaving.closeAllConnections();
  });
  await rm(address, { force: true });
  await new Promise<void>((listening) => leaving.listen(address, listening));
  try {
    const deployed = await bench.cortex(["deploy", await project("b")]);
    expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
    expect(deployed.stdout).toContain("b is live");
    expect(await textOf(bench, "b")).toBe("b");
  } finally {
    leaving.close();
    leaving.closeAllConnections();
  }
});

test("an API whose files somebody has edited into nonsense keeps no other from coming back", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("a") + spec("b"), "handler.py": speaking("hello") });
  await bench.cortex(["deploy", folder]);
  await endProcess((await bench.agentPid())!);
  const file = join(bench.home, "local/apis/a/revision-1.json");
  const revision = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...revision, spec: { name: "a" } }));
  const shown = (await bench.cortex(["get", "-o", "json"])).json<Shown[]>();
  expect(shown.map(({ metadata }) => metadata.name)).toEqual(["b"]);
  expect(await bench.cortex(["deploy", folder])).toMatchObject({ status: 0 });
  expect(await textOf(bench, "a")).toBe("hello");
});

test("packages whose interpreter somebody has removed are made again", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("a") });
  await bench.cortex(["deploy", folder]);
  const packages = join(bench.home, "packages");
  const made = (await readdir(packages)).filter((name) => /^[0-9a-f]{32}$/.test(name));
  expect(made).toHaveLength(1);
  for (const name of made) await rm(join(packages, name, "bin"), { recursive: true, force: true });
  const refreshed = await bench.cortex(["refresh", "a"]);
  expect(refreshed, refreshed.stderr).toMatchObject({ status: 0 });
});

test("a number of replicas that no machine has room for is not believed", async () => {
  await using bench = await createBench();
  const folder = await bench.project({
    "cortex.yaml": spec("a", "  autoscaling:\n    max_replicas: 2\n"),
    "handler.py": speaking("a"),
  });
  await bench.cortex(["deploy", folder]);
  await endProcess((await bench.agentPid())!);
  await writeFile(join(bench.home, "local/apis/a/state.json"), '{"wanted":1,"live":1,"requested":1000000000}');
  await bench.cortex(["get"]);
  await reaches(bench, "a", "status_live");
  const { replicas } = (await get(bench, "a")) as unknown as { replicas: unknown[] };
  expect(replicas.length).toBeLessThanOrEqual(2);
});

test("a deploy of what is live, but crashes, starts it anew and says whether that works", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("a") });
  const bad = join(folder, "..", "bad");
  const handler = `import os

class PythonPredictor:
    def __init__(self, config):
        assert not os.path.exists(${JSON.stringify(bad)}), "it is there"

    def predict(self, payload):
        os._exit(3)
`;
  await writeFile(join(folder, "handler.py"), handler);
  expect(await bench.cortex(["deploy", folder])).toMatchObject({ status: 0 });
  await writeFile(bad, "");
  expect((await post(bench, "/a", 1)).status).toBe(502);
  await reaches(bench, "a", "status_error");
  const again = await bench.cortex(["deploy", folder]);
  expect(again.status).toBe(1);
  expect(again.stderr).toContain("it is there");
  expect(again.stderr).not.toContain("serves on");
});
