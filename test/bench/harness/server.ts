import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { killGroup } from "../../../src/platform/processes.ts";
import { groupBytes } from "./memory.ts";

export interface ServerOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Asked by POST until it answers 200. */
  readonly url: string;
  readonly body: string;
  readonly readyWithinMs: number;
  /** Gets what it prints: a pipe would make this process work for each of its lines. */
  readonly logFile: string;
}

/** A server in a process group of its own, which ends with its scope. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  /** What it answered first. */
  readonly answer: string;
  /** Of all processes of its group. */
  residentBytes(): number;
}

/** @throws with what it printed last, when it ends or does not answer in time */
export async function startServer(options: ServerOptions, signal: AbortSignal): Promise<Server> {
  const [program, ...args] = options.argv;
  const log = openSync(options.logFile, "w");
  const child = spawn(program!, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => reject(new Error(`${program} ended with status ${status}`)));
  });
  failed.catch(() => {});
  const stop = () => endGroup(child);
  try {
    const answer = await Promise.race([firstAnswer(options, signal), failed]);
    return { url: options.url, answer, residentBytes: () => groupBytes(child.pid!), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    const said = await lastLines(options.logFile);
    throw new Error(`${error instanceof Error ? error.message : String(error)}; it said last: ${said}`, {
      cause: error,
    });
  }
}

async function firstAnswer({ url, body, readyWithinMs }: ServerOptions, signal: AbortSignal): Promise<string> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(readyWithinMs)]);
  const headers = { "content-type": "application/json" };
  let last = "no connection";
  while (!deadline.aborted) {
    try {
      const answer = await fetch(url, { method: "POST", body, headers, signal: deadline });
      const text = await answer.text();
      if (answer.status === 200) return text;
      last = `${answer.status} ${text.slice(0, 200)}`;
    } catch {
      // Nobody listens yet.
    }
    await wait(100, undefined, { signal: deadline }).catch(() => {});
  }
  signal.throwIfAborted();
  throw new Error(`${url} did not answer 200 within ${readyWithinMs / 1_000} s: ${last}`);
}

async function lastLines(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trim().split("\n").slice(-3).join(" / ").slice(-1_000);
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const isOver = child.exitCode !== null || child.signalCode !== null;
  const exited = isOver ? Promise.resolve() : once(child, "exit");
  killGroup(child.pid, "SIGTERM");
  await Promise.race([exited, wait(3_000, undefined, { ref: false })]);
  // Whatever the leader left behind.
  killGroup(child.pid, "SIGKILL");
  await exited;
}
