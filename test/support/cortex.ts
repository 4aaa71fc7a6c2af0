import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { agentClient } from "../../src/environments/local/agent-client.ts";
import { agentAddress } from "../../src/platform/home.ts";

/** What one run of the command left behind. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output read as one JSON document. */
  json<T = unknown>(): T;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The run is ended after this, and its status is then null. */
  readonly timeoutMs?: number;
}

/** A home of its own with a free port: runs the real command, and takes all it started down with it. */
export interface Bench extends AsyncDisposable {
  readonly home: string;
  readonly port: number;
  cortex(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Starts the command without waiting for it. */
  start(args: readonly string[], options?: RunOptions): ChildProcess;
  /** Writes files into a new folder. @returns its path */
  project(files: Readonly<Record<string, string | Uint8Array>>, name?: string): Promise<string>;
  /** Asks the gateway. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Looks through the gateway at what has just become live or has gone: once where it knows that at once, and again until `look`
   * does not throw where it hears of it a moment later.
   */
  heard<T>(look: () => Promise<T>): Promise<T>;
  /** The agent's process id; undefined when none runs. */
  agentPid(): Promise<number | undefined>;
}

const root = resolve(import.meta.dirname, "../..");

/** The command under test: CORTEX_TEST_BINARY, else the built one, else the sources. */
export function commandLine(): readonly string[] {
  const named = process.env.CORTEX_TEST_BINARY;
  if (named) return [named];
  const built = join(root, "dist/cortex");
  return existsSync(built) ? [built] : [process.execPath, join(root, "src/main.ts")];
}

/** @param command what is run, by default the command under test */
export async function createBench(
  env: Readonly<Record<string, string>> = {},
  command: readonly string[] = commandLine(),
): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  const home = join(folder, "home");
  const port = await freePort();
  const own = { CORTEX_HOME: home, CORTEX_LOCAL_PORT: String(port), CORTEX_NO_UPDATE_NOTICE: "1" };
  const variables = { ...cleanEnvironment(), ...own, ...env };
  const running = new Set<ChildProcess>();
  let projects = 0;

  const start: Bench["start"] = (args, options = {}) => {
    const [file, ...rest] = command;
    const child = spawn(file!, [...rest, ...args], {
      cwd: options.cwd ?? folder,
      env: { ...variables, ...options.env },
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    if (options.input !== undefined) child.stdin!.end(options.input);
    return child;
  };

  const cortex: Bench["cortex"] = async (args, options) => {
    const child = start(args, options);
    const [stdout, stderr, status] = await Promise.all([
      readAll(child.stdout!),
      readAll(child.stderr!),
      new Promise<number | null>((ended) => child.once("close", (code) => ended(code))),
    ]);
    return { status, stdout, stderr, json: <T>() => JSON.parse(stdout) as T };
  };

  const agentPid = async () => {
    const asked = agentClient(agentAddress(home)).json<{ pid: number }>("GET", "/agent", AbortSignal.timeout(30_000));
    return asked.then(
      ({ pid }) => pid,
      () => undefined,
    );
  };

  return {
    home,
    port,
    cortex,
    start,
    agentPid,
    async project(files, name) {
      projects += 1;
      const target = join(folder, name ?? `project-${projects}`);
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(target, path)), { recursive: true });
        await writeFile(join(target, path), content);
      }
      return target;
    },
    request: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
    heard: (look) => look(),
    async [Symbol.asyncDispose]() {
      for (const child of running) child.kill("SIGKILL");
      const pid = await agentPid();
      if (pid !== undefined) await endProcess(pid);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Ends a process that is not our child, and waits until it is gone. */
export async function endProcess(pid: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  try {
    process.kill(pid, signal);
    for (;;) {
      process.kill(pid, 0);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } catch {
    // Gone.
  }
}

/** Asks again until `check` gives something, or throws what it last threw once `timeoutMs` are over. */
export async function eventually<T>(
  check: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw last ?? new Error(`it did not come true within ${timeoutMs} ms`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) text += chunk;
  return text;
}

/** Nothing of the tests' own surroundings reaches the command: no colours, no other home, no test runner's variables. */
function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !/^(CORTEX_|NODE_|VITEST|NO_COLOR|FORCE_COLOR|CI$|npm_)/.test(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
