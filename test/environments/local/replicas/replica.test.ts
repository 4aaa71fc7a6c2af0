import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { isAlive } from "../../../../src/platform/processes.ts";
import { start } from "./start.ts";

const texts = (lines: readonly { text: string }[]) => lines.map((line) => line.text);
const longEnough = { timeout: 60_000, interval: 20 };

async function ask(path: string, message: string): Promise<string> {
  const socket = connect(path);
  socket.write(message);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return answer.toString();
}

describe("a replica", () => {
  test("passes its phases, serves on its sockets, and leaves nothing behind", async () => {
    await using started = await start({}, { processes: 2 });
    const { replica, folder } = started;
    const phases: string[] = [replica.phase];
    replica.onPhase((phase) => phases.push(phase));
    await replica.ready;
    expect(await stat(join(folder, "state", "r1.json")).then((info) => info.mode & 0o777)).toBe(0o600);
    for (const address of replica.addresses)
      expect(await ask((address as { path: string }).path, "hello")).toBe("hello");
    const exit = await replica.stop(5_000);
    expect(exit).toMatchObject({ signal: "SIGTERM", reason: "stopped", outOfMemory: false });
    expect(phases.filter((phase) => phase !== "starting")).toEqual(["loading", "ready", "draining", "exited"]);
    expect(await readdir(join(folder, "state"))).toEqual([]);
    expect(await readdir(join(folder, "run"))).toEqual([]);
  });

  test("takes over a socket that a crash left", async () => {
    await using first = await start();
    const { path } = first.replica.addresses[0] as { path: string };
    await first.replica.ready;
    await first.replica.stop(0);
    await writeFile(path, "");
    await using second = await start({}, { socketFolder: join(first.folder, "run") });
    await second.replica.ready;
    expect(await ask(path, "again")).toBe("again");
  });

  test("that raises says so, with the traceback", async () => {
    await using started = await start({ mode: "raise" });
    await expect(started.replica.ready).rejects.toMatchObject({
      code: "ROLLOUT_FAILED",
      message: "__init__ raised ValueError: no",
      details: "Traceback ...\nValueError: no",
    });
    expect(await started.replica.exited).toMatchObject({ code: 1, reason: "__init__ raised ValueError: no" });
  });

  test("that calls os._exit is reported by its status", async () => {
    await using started = await start({ mode: "exit" });
    await expect(started.replica.ready).rejects.toMatchObject({ message: "exited with status 3" });
  });

  test("that is killed is reported by the signal", async () => {
    await using started = await start();
    await started.replica.ready;
    process.kill(started.replica.pid, "SIGKILL");
    expect(await started.replica.exited).toMatchObject({ signal: "SIGKILL", reason: "killed by SIGKILL" });
  });

  test("that hangs in its start can be stopped", async () => {
    await using started = await start({ mode: "hang" });
    expect((await started.replica.stop(5_000)).reason).toBe("stopped");
    await expect(started.replica.ready).rejects.toMatchObject({ message: "stopped" });
  });

  test("that does not listen to SIGTERM is killed after its grace", async () => {
    await using started = await start({ mode: "deaf" });
    await started.replica.ready;
    expect(await started.replica.stop(100)).toMatchObject({ signal: "SIGKILL", reason: "stopped" });
  });

  test("takes the processes that its handler started down with it", async () => {
    await using started = await start({ mode: "child" });
    await started.replica.ready;
    const child = await vi.waitFor(() => {
      const pid = Number(texts(started.log.tail(1))[0]);
      expect(pid).toBeGreaterThan(0);
      return pid;
    }, longEnough);
    await started.replica.stop(5_000);
    await vi.waitFor(() => expect(isAlive(child)).toBe(false), longEnough);
  });

  test("that ends cleanly leaves no process of its group, and is not waited for by what it left", async () => {
    await using started = await start({ mode: "leave" });
    expect(await started.replica.exited).toMatchObject({ code: 0, reason: "exited with status 0" });
    const child = Number(texts(started.log.tail(1))[0]);
    await vi.waitFor(() => expect(isAlive(child)).toBe(false), longEnough);
  });

  test("that eats more than its limit is ended and named", async () => {
    await using started = await start({ mode: "hog" }, { memBytes: 96 * 1024 * 1024 });
    await started.replica.ready;
    const exit = await started.replica.exited;
    expect(exit.outOfMemory).toBe(true);
    expect(exit.peakMemoryBytes).toBeGreaterThan(96 * 1024 * 1024);
    expect(exit.reason).toMatch(/^out of memory \(peak \d+ MiB, limit 96 MiB\)$/);
  });

  test("shows the memory that it holds", async () => {
    await using started = await start();
    await started.replica.ready;
    await vi.waitFor(() => expect(started.replica.memoryBytes()).toBeGreaterThan(1024 * 1024), longEnough);
  });

  test("may print 100 MB: no line is lost before the bound of the log, and the reader does not grow", async () => {
    await using started = await start({ mode: "print" });
    await started.replica.ready;
    const before = process.memoryUsage.rss();
    await vi.waitFor(async () => {
      const files = await readdir(join(started.folder, "logs", "echo"));
      expect(files.some((file) => Number(file.split(".")[2]) >= 19)).toBe(true);
    }, longEnough);
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
    // Between two files there may be one more.
    await vi.waitFor(
      async () => expect(await readdir(join(started.folder, "logs", "echo"))).toHaveLength(4),
      longEnough,
    );
  });

  test("sees the project's variables, not those of another Python or of Cortex", async () => {
    vi.stubEnv("PYTHONPATH", "/elsewhere");
    vi.stubEnv("CORTEX_HOME", "/somewhere");
    await using started = await start({ mode: "variables" }, { env: { FROM_SPEC: "1" } });
    vi.unstubAllEnvs();
    await started.replica.ready;
    const seen = await vi.waitFor(
      () => JSON.parse(texts(started.log.tail(1))[0]!) as Record<string, string>,
      longEnough,
    );
    expect(seen).toMatchObject({ FROM_SPEC: "1", CORTEX_API_NAME: "echo", CORTEX_REPLICA: "r1" });
    expect(Object.keys(seen)).not.toContain("PYTHONPATH");
    expect(Object.keys(seen)).not.toContain("CORTEX_HOME");
  });

  test("whose interpreter is gone is refused, and leaves no file", async () => {
    const missing = { key: "none", python: "/nowhere/python", wheelsDir: "/nowhere" };
    const failure = start({}, { python: missing });
    await expect(failure).rejects.toMatchObject({ code: "FAILED" });
  });

  test("ends with its agent, however that ends", async () => {
    const script = resolve(import.meta.dirname, "../../../fixtures/replica-parent.ts");
    const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [said] = (await once(parent.stdout, "data")) as [Buffer];
      const { pid, folder } = JSON.parse(said.toString()) as { pid: number; folder: string };
      expect(isAlive(pid)).toBe(true);
      parent.kill("SIGKILL");
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), longEnough);
      await vi.waitFor(() => expect(isGroupAlive(pid)).toBe(false), longEnough);
      expect(existsSync(folder)).toBe(true);
      await rm(folder, { recursive: true });
    } finally {
      parent.kill("SIGKILL");
    }
  });
});

function isGroupAlive(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch {
    return false;
  }
}
