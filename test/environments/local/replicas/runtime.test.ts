import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RuntimeFiles } from "../../../../src/environments/local/packages/prepare-packages.ts";
import { preparePackages } from "../../../../src/environments/local/packages/prepare-packages.ts";
import type { PythonEnvironment } from "../../../../src/environments/local/packages/python-environment.ts";
import type { Handler, RealtimeApi } from "../../../../src/spec/api.ts";
import { type Started, start } from "./start.ts";

const root = resolve(import.meta.dirname, "../../../..");
const runtime: RuntimeFiles = {
  runtimeFolder: join(root, "src", "runtime"),
  wheelsFolder: join(root, "dist", "wheels"),
};
const handler = {
  type: "python",
  path: "handler.py",
  config: {},
  env: {},
  processes_per_replica: 1,
  threads_per_process: 2,
  log_level: "info",
  dependencies: { pip: "requirements.txt", conda: "conda-packages.txt", shell: "dependencies.sh" },
} as unknown as Handler;

let folder: string;
let python: PythonEnvironment;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  const projectDir = join(folder, "empty");
  await mkdir(projectDir);
  const packages = { home: join(folder, "home"), projectDir, handler, runtime, variables: process.env };
  python = await preparePackages(packages, () => {}, AbortSignal.timeout(300_000));
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Starts a replica of the real runtime over this handler. */
async function serve(name: string, code: string, memBytes: number | null = null, processes = 1): Promise<Started> {
  const projectDir = join(folder, name);
  await mkdir(projectDir);
  await writeFile(join(projectDir, "handler.py"), code);
  const api = {
    kind: "RealtimeAPI",
    name: "echo",
    handler: { ...handler, processes_per_replica: processes },
    compute: { mem_bytes: memBytes },
  } as unknown as RealtimeApi;
  return start({}, { api, projectDir, python, runtimeDir: runtime.runtimeFolder });
}

async function post({ replica }: Started, body: unknown, index = 0): Promise<{ status: number; text: string }> {
  const { path } = replica.addresses[index] as { path: string };
  return new Promise((settle, fail) => {
    const headers = { "content-type": "application/json" };
    const sent = request({ socketPath: path, method: "POST", path: "/", headers }, async (response) => {
      settle({ status: response.statusCode!, text: Buffer.concat(await response.toArray()).toString() });
    });
    sent.on("error", fail).end(JSON.stringify(body));
  });
}

const echo = "class Handler:\n    def handle_post(self, payload):\n        return payload\n";

describe("a replica of the real runtime", () => {
  test("serves what the handler returns, from each of its processes", async () => {
    await using started = await serve("echo", echo, null, 2);
    await started.replica.ready;
    for (const index of [0, 1]) expect(await post(started, { a: 1 }, index)).toEqual({ status: 200, text: '{"a": 1}' });
    expect((await started.replica.stop(60_000)).reason).toBe("stopped");
  });

  test("names what __init__ raised", async () => {
    const code =
      "class Handler:\n    def __init__(self):\n        raise ValueError('no model')\n    def handle_post(self):\n        return 1\n";
    await using started = await serve("raises", code);
    await expect(started.replica.ready).rejects.toMatchObject({
      message: expect.stringContaining("ValueError: no model"),
      details: expect.stringContaining("raise ValueError('no model')"),
    });
  });

  test("says which package is missing, and what to do", async () => {
    await using started = await serve("imports", `import no_such_module\n${echo}`);
    await expect(started.replica.ready).rejects.toMatchObject({
      message: expect.stringContaining("no_such_module"),
      hint: expect.stringContaining("requirements.txt"),
    });
  });

  test("is reported by its status when the handler calls os._exit", async () => {
    await using started = await serve("exits", `import os\nos._exit(9)\n${echo}`);
    await expect(started.replica.ready).rejects.toMatchObject({ message: "exited with status 9" });
  });

  test("is ended when it eats more than its limit, in the middle of a request", async () => {
    const code =
      "class Handler:\n    def handle_post(self):\n        held = []\n        while True:\n            held.append(bytearray(1 << 22))\n";
    await using started = await serve("hog", code, 128 * 1024 * 1024);
    await started.replica.ready;
    await expect(post(started, {})).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(await started.replica.exited).toMatchObject({
      outOfMemory: true,
      reason: expect.stringMatching(/^out of memory \(peak \d+ MiB, limit 128 MiB\)$/),
    });
  });

  test("ends a request that is in-flight before it stops", async () => {
    const code =
      "import time\nclass Handler:\n    def handle_post(self):\n        print('busy', flush=True)\n        time.sleep(1)\n        return 'done'\n";
    await using started = await serve("busy", code);
    await started.replica.ready;
    const answer = post(started, {});
    while (!started.log.tail(1).some(({ text }) => text === "busy")) await new Promise(setImmediate);
    const exit = started.replica.stop(60_000);
    expect(await answer).toEqual({ status: 200, text: "done" });
    expect(await exit).toMatchObject({ reason: "stopped", code: 0 });
  });

  test("that hangs in __init__ is stopped all the same", async () => {
    await using started = await serve("hangs", `import time\ntime.sleep(600)\n${echo}`);
    const exit = await started.replica.stop(500);
    expect(exit.reason).toBe("stopped");
  });
});
