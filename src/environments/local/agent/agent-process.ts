import { rm } from "node:fs/promises";
import type { Server } from "node:net";
import { CortexError } from "../../../core/errors.ts";
import { agentAddress } from "../../../platform/home.ts";
import type { Lock } from "../../../platform/lock.ts";
import { createGateway } from "../gateway/gateway.ts";
import type { Gateway } from "../gateway/types.ts";
import { saveGatewayPort } from "../gateway-port.ts";
import type { Installation } from "../installation.ts";
import { localFolders } from "../local-folders.ts";
import { createLogStore, type LogStore } from "../logs/log-store.ts";
import { removeUnusedPackages } from "../packages/prepare-packages.ts";
import { createMemoryWatch } from "../replicas/memory-watch.ts";
import { removeUnusedSnapshots, snapshotFolder } from "../snapshots.ts";
import { Agent } from "./agent.ts";
import { type ApiRecord, createApiStore } from "./api-store.ts";
import { type ControlServer, startControlServer } from "./control-server.ts";
import { handOver } from "./hand-over.ts";
import type { AgentInfo } from "./protocol.ts";
import { replicaStarter } from "./replica-starter.ts";

/** How long an agent with nothing deployed stays for the command that started it to ask for something. */
const unusedMs = 5_000;
/** How long it stays once its last API is gone. */
const emptyMs = 200;
const listenAgainMs = 2_000;
const endDrainMs = 10_000;
/** Snapshots younger than this stay: a deploy stores its snapshot before it asks for the revision. */
const snapshotGraceMs = 60 * 60_000;

/** The agent as a process: joins agent, gateway, logs and socket, owns the lock, and ends all of them in the right order. */
export class AgentProcess {
  readonly agent: Agent;
  readonly gateway: Gateway;
  readonly home: string;
  readonly #installation: Installation;
  readonly #logs: LogStore;
  readonly #memory = createMemoryWatch();
  readonly #records: readonly ApiRecord[];
  #lock: Lock | undefined;
  #port: number;
  #moving: Promise<void> = Promise.resolve();
  #succession: Promise<AgentInfo> | undefined;
  #control: ControlServer | undefined;
  #activity = 0;
  #leaving: NodeJS.Timeout | undefined;
  #listening: NodeJS.Timeout | undefined;

  private constructor(home: string, installation: Installation, lock: Lock, port: number, parts: Parts) {
    this.home = home;
    this.#installation = installation;
    this.#lock = lock;
    this.#port = port;
    this.#logs = parts.logs;
    this.#records = parts.records;
    this.gateway = createGateway({
      onAccess: (line) => parts.logs.access(line),
      onWaiting: (api) => this.agent.wake(api),
    });
    const usedPackages = new Set<string>();
    this.agent = new Agent({
      gateway: this.gateway,
      logs: parts.logs,
      store: parts.store,
      port: () => this.gateway.port ?? this.#port,
      slots: replicaStarter({ home, installation, logs: parts.logs, memory: this.#memory, usedPackages }),
      hasSnapshot: async (digest) => (await snapshotFolder(home, digest)) !== undefined,
      async collectGarbage(projects) {
        await removeUnusedSnapshots(home, new Set(projects), snapshotGraceMs);
        await removeUnusedPackages(home, usedPackages);
      },
    });
  }

  /** Reads what is deployed; nothing runs yet. */
  static async load(home: string, installation: Installation, lock: Lock, port: number): Promise<AgentProcess> {
    const folders = localFolders(home);
    const store = createApiStore(folders.apis);
    const records = await store.load();
    return new AgentProcess(home, installation, lock, port, {
      store,
      records,
      logs: createLogStore({ folder: folders.logs }),
    });
  }

  /** @throws PORT_TAKEN when nothing is deployed; else APIs come back, and the gateway as soon as its port is free */
  async openGateway(): Promise<void> {
    try {
      await this.#movePort(this.#port);
    } catch (error) {
      if (this.#records.length === 0 || !(error instanceof CortexError) || error.code !== "PORT_TAKEN") throw error;
      this.#listening = setTimeout(() => void this.openGateway().catch(() => {}), listenAgainMs).unref();
    }
  }

  /** Brings every API back as it was. */
  restore(): void {
    this.agent.restore(this.#records);
  }

  /** Answers the CLI from now on, and ends by itself when nothing is deployed any more. */
  async listen(address: string): Promise<void> {
    this.#control = await startControlServer(address, {
      agent: this.agent,
      info: () => this.info(),
      openGateway: async (port) => {
        if (port !== undefined || this.gateway.port === undefined) await this.#movePort(port ?? this.#port);
      },
      replace: (program) => this.#giveWay(program),
      onActivity: (change) => {
        this.#activity += change;
        this.#leaveWhenIdle(emptyMs);
      },
    });
    this.agent.onChange(() => this.#leaveWhenIdle(emptyMs));
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void this.end(endDrainMs));
    process.on("SIGHUP", () => {});
    this.#leaveWhenIdle(unusedMs);
  }

  info(): AgentInfo {
    const { version, build } = this.#installation;
    const { port } = this.gateway;
    return { version, build, pid: process.pid, ...(port !== undefined && { port }) };
  }

  /** Lets go of the lock, for a successor. @returns how to have it again */
  releaseLock(): (lock: Lock) => void {
    this.#lock?.release();
    this.#lock = undefined;
    return (lock) => {
      this.#lock = lock;
    };
  }

  /** Commands reach this agent again, when they may have reached a successor. */
  async listenAgain(): Promise<void> {
    await this.#control?.reopen();
  }

  adopt(servers: readonly Server[]): void {
    for (const server of servers) this.gateway.adopt(server);
  }

  /** Ends the process: no new request, in-flight ones and replicas end, APIs stay on disk for the next agent. */
  async end(maxDrainMs: number): Promise<never> {
    clearTimeout(this.#listening);
    clearTimeout(this.#leaving);
    // Nothing that is asked from here on may begin: whoever asks must see at once that nobody answers, and start an agent.
    const closed = this.#control?.close();
    if (this.#lock) await rm(agentAddress(this.home), { force: true });
    await closed;
    await this.gateway.stopAccepting();
    // Connections that clients keep alive may bring more requests; replicas stay until the last one is answered.
    await this.gateway.close(AbortSignal.timeout(maxDrainMs));
    await this.agent.close(maxDrainMs);
    await this.discard();
    process.exit(0);
  }

  /** Lets go of what it holds; nothing was started. */
  async discard(): Promise<void> {
    await this.gateway.close(AbortSignal.abort());
    this.#memory.close();
    await this.#logs.close();
    this.#lock?.release();
  }

  /** Two commands that ask for it at once get the same successor. */
  #giveWay(program: readonly string[]): Promise<AgentInfo> {
    this.#succession ??= handOver(this, program).catch((error: unknown) => {
      this.#succession = undefined;
      throw error;
    });
    return this.#succession;
  }

  /** One after the other: of two that ask for the same port at once, the second finds the gateway there. */
  async #movePort(port: number): Promise<void> {
    const moved = this.#moving.catch(() => {}).then(() => this.#listenAt(port));
    this.#moving = moved;
    await moved;
  }

  async #listenAt(port: number): Promise<void> {
    if (this.gateway.port !== port) await this.gateway.listen(port);
    clearTimeout(this.#listening);
    this.#port = port;
    await saveGatewayPort(this.home, port);
  }

  /** Ends the process in `afterMs` unless it has something to do then; asking it this and that does not put the end off. */
  #leaveWhenIdle(afterMs: number): void {
    const isIdle = () => this.agent.isEmpty && this.#activity === 0;
    if (this.#leaving || !isIdle()) return;
    this.#leaving = setTimeout(() => {
      this.#leaving = undefined;
      if (isIdle()) void this.end(0);
    }, afterMs);
  }
}

interface Parts {
  readonly logs: LogStore;
  readonly records: readonly ApiRecord[];
  readonly store: ReturnType<typeof createApiStore>;
}
