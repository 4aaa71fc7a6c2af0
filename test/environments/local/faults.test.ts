import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { agentAddress } from "../../../src/platform/home.ts";
import { isAlive } from "../../../src/platform/processes.ts";
import { failing, speaking, spec, splitter, waiting } from "../../conformance/handlers.ts";
import { type Bench, createBench, endProcess, eventually } from "../../support/cortex.ts";
import { runLoad } from "../../support/load.ts";

const sources = join(import.meta.dirname, "../../../src/main.ts");
const isRoot = process.getuid?.() === 0;
const onLinux = process.platform === "linux";

/** Speaks `text` once there is a file `go`. */
const loadingUntil = (go: string, text: string) =>
  speaking(text).replace(
    "self.text =",
    `while not os.path.exists(${JSON.stringify(go)}): time.sleep(0.05)\n        self.text =`,
  );

/** Processes of replicas and agents that use `home`, by their command lines. */
async function processesOf(home: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const commands = await Promise.all(
    pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")] as const),
  );
  return commands.filter(([, command]) => command.includes(home)).map(([pid]) => pid);
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const ask = (bench: Bench, name: string, body: unknown = 1) =>
  bench.request(`/${name}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });

const answers = (bench: Bench, name: string) =>
  eventually(async () => {
    const response = await ask(bench, name);
    return response.ok ? ((await response.json()) as { text: string; process: string }) : undefined;
  });

describe("the agent is killed", () => {
  test("no replica outlives it, and the next command brings every API back", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("a") + spec("b"), "handler.py": speaking("hello") });
    expect((await bench.cortex(["deploy", folder])).status).toBe(0);
    const before = await answers(bench, "a");
    await endProcess((await bench.agentPid())!);
    await eventually(async () => (await processesOf(bench.home)).length === 0 || undefined);
    const listed = await bench.cortex(["get", "-o", "json"]);
    expect(listed.json<{ metadata: { name: string } }[]>().map((api) => api.metadata.name)).toEqual(["a", "b"]);
    expect(await answers(bench, "a")).toMatchObject({ text: "hello" });
    expect((await answers(bench, "b")).process).not.toBe(before.process);
  });

  test("a handler that never lets go of the interpreter ends with it as well", async () => {
    await using bench = await createBench();
    const handler = `import ctypes

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        # PyDLL holds the interpreter's lock while it sleeps.
        ctypes.PyDLL(None).sleep(600)
`;
    const folder = await bench.project({ "cortex.yaml": spec("stuck"), "handler.py": handler });
    await bench.cortex(["deploy", folder]);
    ask(bench, "stuck").catch(() => {});
    await eventually(async () => {
      const [api] = (await bench.cortex(["get", "stuck", "-o", "json"])).json<{ metrics: { in_flight: number } }[]>();
      return (api?.metrics.in_flight ?? 0) > 0 || undefined;
    });
    await endProcess((await bench.agentPid())!);
    await eventually(async () => (await processesOf(bench.home)).length === 0 || undefined);
  });

  test("in the middle of an update: what was live comes back and the update goes on", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("one") });
    await bench.cortex(["deploy", folder]);
    const go = join(folder, "..", "go");
    await writeFile(join(folder, "handler.py"), loadingUntil(go, "two"));
    const deploying = bench.cortex(["deploy", folder]);
    await eventually(async () => {
      const [api] = (await bench.cortex(["get", "a", "-o", "json"])).json<{ status: { status_code: string } }[]>();
      return api?.status.status_code === "status_updating" || undefined;
    });
    await endProcess((await bench.agentPid())!);
    expect((await deploying).status).not.toBe(0);
    await writeFile(go, "");
    await bench.cortex(["get"]);
    await eventually(async () => (await answers(bench, "a")).text === "two" || undefined);
  });

  test("with its state cut short, every API comes back with its newest revision", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("kept") });
    await bench.cortex(["deploy", folder]);
    await endProcess((await bench.agentPid())!);
    await truncate(join(bench.home, "local/apis/a/state.json"), 7);
    await bench.cortex(["get"]);
    expect(await answers(bench, "a")).toMatchObject({ text: "kept" });
  });
});

test("a newer command line replaces the agent of an older one, and no request is lost", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("kept"), "handler.py": speaking("kept") });
  await bench.cortex(["deploy", folder]);
  const older = await bench.agentPid();
  const stop = new AbortController();
  const url = `http://127.0.0.1:${bench.port}/kept`;
  const load = runLoad({ url, ratePerSecond: 30, until: stop.signal, body: "1", connections: 8 });
  // Another build of the same version counts as newer: the sources call themselves "dev".
  const env = { CORTEX_HOME: bench.home, CORTEX_LOCAL_PORT: String(bench.port) };
  const refreshed = await promisify(execFile)(process.execPath, [sources, "refresh", "kept"], {
    env: { ...process.env, ...env },
  });
  expect(refreshed.stderr).not.toContain("error");
  expect(await bench.agentPid()).not.toBe(older);
  await eventually(() => !isAlive(older!) || undefined);
  stop.abort();
  const report = await load;
  expect(report.failures).toEqual([]);
  expect(report.ok).toBeGreaterThan(20);
  expect(await answers(bench, "kept")).toMatchObject({ text: "kept" });
});

test("a splitter comes back with its APIs, and a newer agent takes it over without losing a request", {
  timeout: 240_000,
}, async () => {
  await using bench = await createBench();
  const folder = await bench.project({
    "cortex.yaml": spec("a") + spec("b") + splitter("split", { a: 50, b: 50 }),
    "handler.py": speaking("hello"),
  });
  const deployed = await bench.cortex(["deploy", folder]);
  expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
  await endProcess((await bench.agentPid())!);
  await bench.cortex(["get"]);
  await Promise.all([answers(bench, "a"), answers(bench, "b")]);

  const older = await bench.agentPid();
  const stop = new AbortController();
  const url = `http://127.0.0.1:${bench.port}/split`;
  const load = runLoad({ url, ratePerSecond: 30, until: stop.signal, body: "1", connections: 8 });
  const env = { ...process.env, CORTEX_HOME: bench.home, CORTEX_LOCAL_PORT: String(bench.port) };
  await promisify(execFile)(process.execPath, [sources, "refresh", "a"], { env });
  expect(await bench.agentPid()).not.toBe(older);
  await eventually(() => !isAlive(older!) || undefined);
  stop.abort();
  const report = await load;
  expect(report.failures).toEqual([]);
  expect(report.ok).toBeGreaterThan(20);
  const lines = (await bench.cortex(["logs", "b", "--grep", "via split"])).stdout.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(5);
});

describe("what a handler does wrong", () => {
  test("printing 100 MB neither blocks it nor fills the disk", async () => {
    await using bench = await createBench();
    const handler = speaking("loud").replace(
      "return {",
      'print("x" * 99 + "\\n", end="") if payload != "flood" else [print("y" * 1023) for _ in range(100_000)]\n        return {',
    );
    const folder = await bench.project({ "cortex.yaml": spec("loud"), "handler.py": handler });
    await bench.cortex(["deploy", folder]);
    const flooded = await ask(bench, "loud", "flood");
    expect(flooded.status).toBe(200);
    expect(await bytesBelow(join(bench.home, "local/logs"))).toBeLessThan(64 * 2 ** 20);
    expect((await bench.cortex(["logs", "loud", "--tail", "3"])).stdout).toContain("yyy");
  });

  test("a replica that is killed answers 502 for what it held, and nothing else fails", async () => {
    await using bench = await createBench();
    const folder = await bench.project({
      "cortex.yaml": spec("killed", "  autoscaling:\n    min_replicas: 2\n"),
      "handler.py": speaking("still here"),
    });
    await bench.cortex(["deploy", folder]);
    const pid = Number((await answers(bench, "killed")).process.split("/")[1]);
    const load = runLoad({
      url: `http://127.0.0.1:${bench.port}/killed`,
      ratePerSecond: 50,
      durationMs: 6_000,
      body: "1",
      connections: 8,
    });
    setTimeout(() => process.kill(pid, "SIGKILL"), 2_000);
    const report = await load;
    for (const failure of report.failures) expect(failure).toMatchObject({ status: 502 });
    expect(report.failures.length).toBeLessThan(20);
  });
});

describe("the machine has a bad day", () => {
  test("a port that is taken is named before anything is changed", async () => {
    await using bench = await createBench();
    const other = createServer();
    await new Promise<void>((listening) => other.listen(bench.port, "127.0.0.1", listening));
    try {
      const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("x") });
      const refused = await bench.cortex(["deploy", folder]);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain(String(bench.port));
      expect(refused.stderr).toContain("CORTEX_LOCAL_PORT");
      expect((await bench.cortex(["get", "-o", "json"])).json()).toEqual([]);
    } finally {
      await new Promise((closed) => other.close(closed));
    }
  });

  test.runIf(isRoot && onLinux)("a home that is mounted read-only is named", async () => {
    await using bench = await createBench();
    await mkdir(bench.home, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", bench.home]);
    try {
      const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("x") });
      const refused = await bench.cortex(["deploy", folder]);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toContain("read-only");
      expect(refused.stderr).toContain("CORTEX_HOME");
      expect(refused.stderr).not.toContain("    at ");
    } finally {
      execFileSync("umount", [bench.home]);
    }
  });

  test.runIf(isRoot && onLinux)(
    "a disk that is full fails the deploy with one clear line; with room again it goes on",
    async () => {
      await using bench = await createBench();
      await mkdir(bench.home, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", bench.home]);
      try {
        const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("small") });
        const first = await bench.cortex(["deploy", folder]);
        expect(first, first.stderr).toMatchObject({ status: 0 });
        await writeFile(join(folder, "model.bin"), Buffer.alloc(28 * 2 ** 20, 7));
        const full = await bench.cortex(["deploy", folder, "-y"]);
        expect(full.status).toBe(1);
        expect(full.stderr).toContain("no space left");
        expect(await answers(bench, "a")).toMatchObject({ text: "small" });
        await writeFile(join(folder, "model.bin"), "small again");
        expect((await bench.cortex(["deploy", folder, "-y"])).status).toBe(0);
      } finally {
        const pid = await bench.agentPid();
        if (pid !== undefined) await endProcess(pid);
        await eventually(() => execFileSync("umount", [bench.home]) && true);
      }
    },
  );

  test.runIf(isRoot && onLinux)("another user cannot open the agent's socket", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": speaking("mine") });
    await bench.cortex(["deploy", folder]);
    const program = `require("node:net").connect(${JSON.stringify(agentAddress(bench.home))})
      .on("connect", () => process.exit(0)).on("error", (error) => { console.log(error.code); process.exit(1); })`;
    const stranger = spawn(process.execPath, ["-e", program], {
      uid: 65534,
      gid: 65534,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    stranger.stdout.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    const status = await new Promise((ended) => stranger.once("close", ended));
    expect(status).toBe(1);
    expect(said.trim()).toBe("EACCES");
  });
});

describe("two command lines at once", () => {
  test("many first deploys of different APIs start one agent", async () => {
    await using bench = await createBench();
    const folders = await Promise.all(
      ["a", "b", "c", "d"].map((name) => bench.project({ "cortex.yaml": spec(name), "handler.py": speaking(name) })),
    );
    const deployed = await Promise.all(folders.map((folder) => bench.cortex(["deploy", folder])));
    for (const ran of deployed) expect(ran, ran.stderr).toMatchObject({ status: 0 });
    // A replica each, of one agent.
    await eventually(async () => (await processesOf(bench.home)).length === 4);
    for (const name of ["a", "b", "c", "d"]) expect(await answers(bench, name)).toMatchObject({ text: name });
  });

  test("the same content deployed twice at once is one revision, and both succeed", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("same"), "handler.py": speaking("same") });
    const both = await Promise.all([bench.cortex(["deploy", folder]), bench.cortex(["deploy", folder])]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect((await bench.cortex(["history", "same", "-o", "json"])).json<unknown[]>()).toHaveLength(1);
  });
});

describe("Ctrl-C", () => {
  const interrupt = async (bench: Bench, folder: string, when: () => Promise<unknown>) => {
    const child = bench.start(["deploy", folder]);
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    await when();
    child.kill("SIGINT");
    const status = await new Promise((ended) => child.once("close", ended));
    return { status, said };
  };

  test("while a replica loads: exit status 130, the update goes on, and the same command again waits for it", async () => {
    await using bench = await createBench();
    const go = join(bench.home, "..", "go");
    const folder = await bench.project({ "cortex.yaml": spec("slow"), "handler.py": loadingUntil(go, "slow") });
    const { status, said } = await interrupt(bench, folder, () =>
      eventually(async () => {
        const listed = (await bench.cortex(["get", "-o", "json"])).json<unknown[]>();
        return listed.length > 0 || undefined;
      }),
    );
    expect(status).toBe(130);
    expect(said).not.toContain("    at ");
    await writeFile(go, "");
    expect((await bench.cortex(["deploy", folder])).status).toBe(0);
    expect(await answers(bench, "slow")).toMatchObject({ text: "slow" });
  });

  test("while packages are installed: the update goes on, and the same command again waits for it", async () => {
    await using bench = await createBench();
    const go = join(bench.home, "..", "go");
    const folder = await bench.project({
      "cortex.yaml": spec("slow"),
      "handler.py": speaking("slow"),
      "dependencies.sh": `until [ -e '${go}' ]; do sleep 0.1; done\n`,
    });
    const { status, said } = await interrupt(bench, folder, () =>
      eventually(async () => {
        const [api] = (await bench.cortex(["get", "-o", "json"])).json<{ replicas: { phase: string }[] }[]>();
        return api?.replicas[0]?.phase === "preparing packages" || undefined;
      }),
    );
    expect(status).toBe(130);
    expect(said).not.toContain("    at ");
    await writeFile(go, "");
    expect((await bench.cortex(["deploy", folder])).status).toBe(0);
    expect((await bench.cortex(["history", "slow", "-o", "json"])).json<unknown[]>()).toHaveLength(1);
  });

  test("while a large project is stored: nothing is deployed, and nothing half-written is taken for whole", async () => {
    await using bench = await createBench();
    const folder = await bench.project({
      "cortex.yaml": spec("large"),
      "handler.py": speaking("large"),
      "model.bin": Buffer.alloc(400 * 2 ** 20, 7),
    });
    const store = join(bench.home, "local/store");
    const child = bench.start(["deploy", folder, "-y"]);
    await eventually(async () => (await readdir(store).catch(() => [])).length > 0 || undefined);
    child.kill("SIGINT");
    expect([130, 0]).toContain(await new Promise((ended) => child.once("close", ended)));
    expect((await bench.cortex(["deploy", folder, "-y"])).status).toBe(0);
    expect(await answers(bench, "large")).toMatchObject({ text: "large" });
    expect((await readdir(store)).filter((name) => name.startsWith(".partial-"))).toEqual([]);
  });

  test("before anything is accepted: exit status 130 and nothing is deployed", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("early"), "handler.py": speaking("early") });
    const { status } = await interrupt(bench, folder, () => Promise.resolve());
    expect([130, null]).toContain(status);
    expect((await bench.cortex(["deploy", folder])).status).toBe(0);
  });
});

test("clients that hang up, send slowly or not at all take nothing from the others", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("a"), "handler.py": waiting });
  await bench.cortex(["deploy", folder]);
  const until = join(bench.home, "..", "go");
  const patient = Array.from({ length: 5 }, () => ask(bench, "a", { until }));
  const abort = new AbortController();
  const gone = Array.from({ length: 10 }, () =>
    bench
      .request("/a", {
        method: "POST",
        body: JSON.stringify({ until }),
        headers: { "content-type": "application/json" },
        signal: abort.signal,
      })
      .catch(() => "gone"),
  );
  await eventually(async () => {
    const [api] = (await bench.cortex(["get", "a", "-o", "json"])).json<{ metrics: { queue_length: number } }[]>();
    return api?.metrics.queue_length === 14;
  });
  abort.abort();
  expect(new Set(await Promise.all(gone))).toEqual(new Set(["gone"]));
  await writeFile(until, "");
  for (const response of await Promise.all(patient)) expect(response.status).toBe(200);
  await eventually(async () => {
    const [api] = (await bench.cortex(["get", "a", "-o", "json"])).json<{ metrics: { in_flight: number } }[]>();
    return api?.metrics.in_flight === 0 || undefined;
  });
});

test("a deploy that fails for want of a class leaves no process behind", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("none"), "handler.py": failing("raise SystemExit(4)") });
  expect((await bench.cortex(["deploy", folder])).status).toBe(1);
  await eventually(async () => (await processesOf(join(bench.home, "local/replicas"))).length === 0 || undefined);
  expect((await bench.cortex(["delete", "none", "-f"])).status).toBe(0);
  await eventually(async () => (await bench.agentPid()) === undefined || undefined);
});
