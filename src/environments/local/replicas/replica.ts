import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { CortexError } from "../../../core/errors.ts";
import { projectVariables, readDotEnv } from "../../../packages/project-variables.ts";
import { asWriteError, makePrivateFolder } from "../../../platform/files.ts";
import { killGroup } from "../../../platform/processes.ts";
import type { RealtimeApi } from "../../../spec/api.ts";
import type { LogSink } from "../logs/log-store.ts";
import type { PythonEnvironment } from "../packages/python-environment.ts";
import { type Address, claimAddresses, freeAddresses } from "./addresses.ts";
import { type ControlEvent, ControlReader } from "./control-events.ts";
import type { MemoryWatch, WatchedGroup } from "./memory-watch.ts";
import { pump } from "./pump.ts";
import { describeEnd, type ReplicaExit } from "./replica-exit.ts";

export type { Address } from "./addresses.ts";
export type { ReplicaExit } from "./replica-exit.ts";

export interface ReplicaOptions {
  /** Letters, digits and dashes; short, since it is part of a socket's path. */
  readonly id: string;
  readonly api: RealtimeApi;
  readonly revision: number;
  readonly projectDir: string;
  readonly python: PythonEnvironment;
  /** Holds launch.py. */
  readonly runtimeDir: string;
  readonly socketFolder: string;
  /** Gets a file that says what to run, for the user alone, as long as the replica lives. */
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Stays open when the replica ends. */
  readonly log: LogSink;
  readonly memory: MemoryWatch;
}

export type RunPhase = "starting" | "loading" | "ready" | "draining" | "exited";

export interface Replica {
  readonly id: string;
  readonly pid: number;
  /** One per process of the replica. */
  readonly addresses: readonly Address[];
  readonly phase: RunPhase;
  /** @returns how to stop listening */
  onPhase(listener: (phase: RunPhase) => void): () => void;
  /** Rejects with ROLLOUT_FAILED (reason, traceback) when the replica ends before. */
  readonly ready: Promise<void>;
  /** Resolves when nothing of it is left: no process, no socket, no file. */
  readonly exited: Promise<ReplicaExit>;
  /** Asks it to end, and ends its whole process group after `graceMs` (0: at once). Calling again may shorten that. */
  stop(graceMs: number): Promise<ReplicaExit>;
  /** Resident memory of all its processes, at the last look. */
  memoryBytes(): number;
}

/** How long what a replica printed last may take to arrive after its end, when another process holds its pipes open. */
const lastWordsMs = 2_000;

/** Starts the processes of a replica. @throws DISK_FULL, NOT_WRITABLE, FAILED when its interpreter cannot be run */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { id, api, python, projectDir } = options;
  if (!api.handler) throw new Error(`${api.name} has no handler`);
  const addresses = await claimAddresses(id, api.handler.processes_per_replica, options.socketFolder);
  const stateFile = join(options.stateFolder, `${id}.json`);
  await writeState(options, stateFile, addresses);
  const dotEnv = await readDotEnv(projectDir);
  const variables = projectVariables({ inherited: process.env, env: options.env, dotEnv, python: python.python });
  const child = spawn(python.python, [join(options.runtimeDir, "launch.py"), stateFile], {
    cwd: projectDir,
    detached: process.platform !== "win32",
    stdio: replicaStdio,
    windowsHide: true,
    env: { ...variables, CORTEX_API_NAME: api.name, CORTEX_REPLICA: id, PYTHONIOENCODING: "utf-8" },
  });
  const cleanUp = async () => {
    await rm(stateFile, { force: true });
    await freeAddresses(addresses);
  };
  try {
    await once(child, "spawn");
  } catch (error) {
    await cleanUp();
    throw new CortexError("FAILED", `cannot run ${python.python}: ${(error as Error).message}`, { cause: error });
  }
  return new RunningReplica(options, child, addresses, cleanUp);
}

// Descriptor 3 is the control pipe; Windows passes none on, so there the runtime watches the end of its input instead.
const replicaStdio: StdioOptions =
  process.platform === "win32" ? ["pipe", "pipe", "pipe"] : ["ignore", "pipe", "pipe", "pipe"];

async function writeState(options: ReplicaOptions, file: string, addresses: readonly Address[]): Promise<void> {
  const { api, revision, id, projectDir, python } = options;
  const state = {
    api: api.name,
    kind: api.kind,
    revision,
    replica: id,
    project_dir: projectDir,
    handler: api.handler,
    listen: addresses,
    ...(process.platform === "win32" ? { watch_stdin: true } : { control_fd: 3 }),
    memory_limit_bytes: api.compute.mem_bytes,
    site_packages: [],
    wheels_dir: python.wheelsDir,
  };
  await makePrivateFolder(options.stateFolder);
  try {
    await writeFile(file, JSON.stringify(state), { mode: 0o600 });
  } catch (error) {
    throw asWriteError(error, file);
  }
}

class RunningReplica implements Replica {
  readonly id: string;
  readonly pid: number;
  readonly addresses: readonly Address[];
  readonly ready: Promise<void>;
  readonly exited: Promise<ReplicaExit>;
  readonly #child: ChildProcess;
  readonly #limitBytes: number | null;
  readonly #memory: Promise<WatchedGroup>;
  readonly #becomeReady: () => void;
  readonly #listeners = new Set<(phase: RunPhase) => void>();
  #phase: RunPhase = "starting";
  #bytes: () => number = () => 0;
  #failure: Extract<ControlEvent, { event: "failed" }> | undefined;
  #outOfMemory: { peakBytes: number } | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #wasStopped = false;

  constructor(
    options: ReplicaOptions,
    child: ChildProcess,
    addresses: readonly Address[],
    cleanUp: () => Promise<void>,
  ) {
    this.id = options.id;
    this.pid = child.pid!;
    this.addresses = addresses;
    this.#child = child;
    // A signal that could not be sent; the end is seen by `exit`.
    child.on("error", () => {});
    this.#limitBytes = options.api.compute.mem_bytes;
    pump(child.stdout!, "stdout", options.log);
    pump(child.stderr!, "stderr", options.log);
    this.#listenToRuntime();
    this.#memory = this.#watchMemory(options.memory);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#becomeReady = resolve;
    this.ready = promise;
    this.exited = this.#untilEnd(cleanUp);
    // Whoever waits for it gets the error; nobody has to.
    promise.catch(() => {});
    void this.exited.then((exit) => reject(endedBeforeReady(exit)));
  }

  get phase(): RunPhase {
    return this.#phase;
  }

  onPhase(listener: (phase: RunPhase) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  memoryBytes(): number {
    return this.#bytes();
  }

  async stop(graceMs: number): Promise<ReplicaExit> {
    if (this.#phase === "exited") return this.exited;
    const isFirst = !this.#wasStopped;
    this.#wasStopped = true;
    this.#enter("draining");
    clearTimeout(this.#killTimer);
    if (graceMs <= 0) this.#kill();
    else {
      if (isFirst) this.#askToEnd();
      this.#killTimer = setTimeout(() => this.#kill(), graceMs);
    }
    return this.exited;
  }

  /** Only the leader is asked: it ends its own processes, and those of the handler may be needed until then. */
  #askToEnd(): void {
    if (process.platform === "win32") this.#child.stdin?.end();
    else this.#child.kill("SIGTERM");
  }

  #kill(): void {
    // Once the leader is reaped its number may belong to somebody else.
    if (this.#child.exitCode === null && this.#child.signalCode === null) killGroup(this.pid, "SIGKILL");
  }

  #killRest(): void {
    try {
      killGroup(this.pid, "SIGKILL");
    } catch {
      // Some systems refuse where nothing but dead processes is left to kill.
    }
  }

  #enter(phase: RunPhase): void {
    const order: readonly RunPhase[] = ["starting", "loading", "ready", "draining", "exited"];
    if (order.indexOf(phase) <= order.indexOf(this.#phase)) return;
    this.#phase = phase;
    for (const listener of this.#listeners) listener(phase);
  }

  #listenToRuntime(): void {
    const control = this.#child.stdio[3] as Readable | undefined;
    const reader = new ControlReader();
    control?.on("data", (chunk: Buffer) => {
      for (const event of reader.push(chunk)) this.#hear(event);
    });
    control?.on("error", () => {});
  }

  #hear(event: ControlEvent): void {
    if (event.event === "failed") this.#failure ??= event;
    else if (event.event === "out_of_memory") this.#outOfMemory = { peakBytes: event.peak_bytes ?? 0 };
    else {
      this.#enter(event.event);
      if (event.event === "ready" && !this.#wasStopped) this.#becomeReady();
    }
  }

  async #watchMemory(memory: MemoryWatch): Promise<WatchedGroup> {
    const onOver = () => {
      this.#outOfMemory ??= { peakBytes: 0 };
      this.#kill();
    };
    const group = await memory.watch({ name: this.id, pid: this.pid, limitBytes: this.#limitBytes, onOver });
    this.#bytes = () => group.bytes();
    return group;
  }

  async #untilEnd(cleanUp: () => Promise<void>): Promise<ReplicaExit> {
    const closed = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
      this.#child.once("exit", (...how) => resolve(how));
    });
    clearTimeout(this.#killTimer);
    // At once, before its number is given away: whatever it left behind in its group ends with it.
    this.#killRest();
    await atMost(closed, lastWordsMs);
    for (const stream of this.#child.stdio) stream?.destroy();
    const { peakBytes, hitLimit } = await (await this.#memory).stop();
    await cleanUp();
    const exit = describeEnd({
      code,
      signal,
      outOfMemory: this.#outOfMemory !== undefined || hitLimit,
      peakMemoryBytes: Math.max(peakBytes, this.#outOfMemory?.peakBytes ?? 0),
      memoryLimitBytes: this.#limitBytes,
      ...(this.#failure && { failure: this.#failure }),
      wasStopped: this.#wasStopped,
    });
    this.#enter("exited");
    return exit;
  }
}

function endedBeforeReady({ reason, traceback, hint }: ReplicaExit): CortexError {
  return new CortexError("ROLLOUT_FAILED", reason, { ...(traceback && { details: traceback }), ...(hint && { hint }) });
}

async function atMost(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
