import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { speaking, spec, waiting } from "../../conformance/handlers.ts";
import { type Bench, commandLine, createBench, endProcess, eventually } from "../../support/cortex.ts";

const ask = (bench: Bench, name: string, body: unknown = 1) =>
  bench.request(`/${name}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  });

/** The interpreter that Debian installs by itself: without what venv and pip need. */
const debianPython = "/usr/bin/python3";
const hasDebianPython = existsSync("/etc/debian_version") && existsSync(debianPython);

describe("interpreters", () => {
  test.runIf(hasDebianPython)("a python3 without ensurepip serves, with requirements as well", async () => {
    await using bench = await createBench({ CORTEX_PYTHON: debianPython });
    const folder = await bench.project({
      "cortex.yaml": spec("debian"),
      "handler.py": speaking("debian")
        .replace("import os", "import os, six, sys")
        .replace('"text": self.text', '"text": six.__version__'),
      "requirements.txt": "six==1.16.0\n",
    });
    const deployed = await bench.cortex(["deploy", folder]);
    expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
    expect(await (await ask(bench, "debian")).json()).toMatchObject({ text: "1.16.0" });
  });

  test("no python3 at all is one clear line", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("none"), "handler.py": speaking("x") });
    const failed = await bench.cortex(["deploy", folder], {
      env: { PATH: "/nowhere:/bin:/usr/sbin", CORTEX_PYTHON: "/nowhere/python3" },
    });
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain("/nowhere/python3");
    expect(failed.stderr).toMatch(/3\.9/);
    expect(failed.stderr).not.toContain("    at ");
  });

  test("a package of the user's own choice wins over the runtime's", async () => {
    await using bench = await createBench();
    const handler = `import starlette, uvicorn
from starlette.responses import JSONResponse

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        return JSONResponse({"starlette": starlette.__version__}, status_code=201)
`;
    const folder = await bench.project({
      "cortex.yaml": spec("pinned"),
      "handler.py": handler,
      "requirements.txt": "starlette==0.47.3\n",
    });
    const deployed = await bench.cortex(["deploy", folder]);
    expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
    const response = await ask(bench, "pinned");
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ starlette: "0.47.3" });
  });
});

test.runIf(process.platform === "linux" && process.getuid?.() === 0)(
  "a first deploy without requirements needs no network",
  async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("offline"), "handler.py": speaking("offline") });
    // In a network namespace of its own there is a loopback interface and nothing else.
    const [command, ...args] = commandLine();
    const script = `ip link set lo up; "$@" deploy "$FOLDER" || exit 1
      curl -s -H 'content-type: application/json' -d 1 "http://127.0.0.1:${bench.port}/offline"; "$@" delete offline -f`;
    const said = execFileSync("unshare", ["-n", "sh", "-c", script, "sh", command!, ...args], {
      encoding: "utf8",
      env: { ...process.env, CORTEX_HOME: bench.home, CORTEX_LOCAL_PORT: String(bench.port), FOLDER: folder },
    });
    expect(said).toContain('"text": "offline"');
  },
);

describe("paths", () => {
  test("a project and a home with spaces and letters of every kind, and a home too long for a socket", async () => {
    await using bench = await createBench();
    const home = join(bench.home, `mit Leerzeichen, ünïcödé 漢字 ${"long".repeat(20)}`);
    const env = { CORTEX_HOME: home };
    const folder = await bench.project(
      { "cortex.yaml": spec("far"), "händler é.py": speaking("far") },
      "a projéct 漢字",
    );
    await rename(join(folder, "händler é.py"), join(folder, "handler.py"));
    try {
      const deployed = await bench.cortex(["deploy", folder], { env });
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      expect(await (await ask(bench, "far")).json()).toMatchObject({ text: "far" });
    } finally {
      expect((await bench.cortex(["delete", "--all", "-f"], { env })).status).toBe(0);
    }
  });

  test("the home folder and the root are refused", async () => {
    await using bench = await createBench();
    const folder = await bench.project({ "cortex.yaml": spec("home"), "handler.py": speaking("x") });
    const refused = await bench.cortex(["deploy", folder], { env: { HOME: folder } });
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain("home");
  });

  test("a project above 32 MiB asks, and -y answers", async () => {
    await using bench = await createBench();
    const folder = await bench.project({
      "cortex.yaml": spec("large"),
      "handler.py": speaking("large"),
      "model.bin": Buffer.alloc(33 * 2 ** 20, 1),
    });
    const asked = await bench.cortex(["deploy", folder]);
    expect(asked.status).toBe(2);
    expect(asked.stderr).toContain("-y");
    expect((await bench.cortex(["deploy", folder, "-y"])).status).toBe(0);
    expect(await (await ask(bench, "large")).json()).toMatchObject({ text: "large" });
  });
});

test("a handler's threads, processes and batches are as many as the configuration says", async () => {
  await using bench = await createBench();
  const handler = `import os, time

class Handler:
    def __init__(self, config):
        pass

    def handle_post(self, payload):
        time.sleep(0.2)
        return [{"pid": os.getpid(), "size": len(payload)} for _ in payload]
`;
  const folder = await bench.project({
    "cortex.yaml": spec("wide").replace(
      "path: handler.py",
      "path: handler.py\n    processes_per_replica: 2\n    threads_per_process: 4\n    server_side_batching:\n      max_batch_size: 4\n      batch_interval: 5s",
    ),
    "handler.py": handler,
  });
  const deployed = await bench.cortex(["deploy", folder]);
  expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
  const answers = await Promise.all(Array.from({ length: 16 }, async () => (await ask(bench, "wide")).json()));
  const seen = answers as { pid: number; size: number }[];
  expect(new Set(seen.map(({ pid }) => pid)).size).toBe(2);
  expect(Math.max(...seen.map(({ size }) => size))).toBe(4);
});

test("an agent that is told to end lets requests finish, and the next command starts it again", async () => {
  await using bench = await createBench();
  const folder = await bench.project({ "cortex.yaml": spec("slow"), "handler.py": waiting });
  await bench.cortex(["deploy", folder]);
  const until = join(bench.home, "..", "go");
  const pending = ask(bench, "slow", { until });
  await eventually(async () => {
    const [api] = (await bench.cortex(["get", "slow", "-o", "json"])).json<{ metrics: { in_flight: number } }[]>();
    return api?.metrics.in_flight === 1;
  });
  const ended = endProcess((await bench.agentPid())!, "SIGTERM");
  await writeFile(until, "");
  expect((await pending).status).toBe(200);
  await ended;
  expect((await bench.cortex(["get", "slow"])).stdout).toContain("slow");
});
