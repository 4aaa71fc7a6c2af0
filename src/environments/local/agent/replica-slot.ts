import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { ReplicaPhase, ReplicaState } from "../../../core/environment.ts";
import type { Gateway } from "../gateway/types.ts";
import type { LogSink } from "../logs/log-store.ts";
import type { Replica, ReplicaExit } from "../replicas/replica.ts";
import { restartDelayMs } from "../replicas/restart-delay.ts";
import type { Generation } from "./generation.ts";

export interface SlotPorts {
  readonly gateway: Gateway;
  openLog(generation: Generation, replica: string): LogSink;
  /** @param signal aborts when the slot is drained before its replica has begun */
  start(generation: Generation, replica: string, log: LogSink, signal: AbortSignal): Promise<Replica>;
  /** After every change of phase, and once more (`stopped`) when the slot is given up. */
  onPhase(slot: ReplicaSlot, phase: ReplicaPhase | "stopped"): void;
  /** Why the replica ended though nobody asked it to, or why it could not be started. */
  onFailure(slot: ReplicaSlot, failure: SlotFailure): void;
}

export interface SlotFailure {
  /** True when it had never been ready since it was last started. */
  readonly isBeforeReady: boolean;
  readonly exit?: ReplicaExit;
  /** What kept it from being started at all, e.g. packages that cannot be installed. */
  readonly error?: unknown;
}

/** How long in-flight requests may take to end before a drained replica is stopped all the same. */
const drainMs = 10 * 60_000;
/** How long a replica may take to end after it was asked to. */
const graceMs = 10_000;

/** A place for one replica of one generation: keeps a replica in it, through crashes, until it is drained. */
export class ReplicaSlot {
  readonly id = randomBytes(4).toString("hex");
  readonly generation: Generation;
  readonly startedAt = Date.now();
  readonly #ports: SlotPorts;
  readonly #log: LogSink;
  readonly #ended = new AbortController();
  #phase: ReplicaPhase = "preparing packages";
  #since = Date.now();
  #restarts = 0;
  #failures = 0;
  #failure: { reason: string; outOfMemory: boolean } | undefined;
  #replica: Replica | undefined;
  #running: Promise<void>;

  constructor(generation: Generation, ports: SlotPorts) {
    this.generation = generation;
    this.#ports = ports;
    this.#log = ports.openLog(generation, this.id);
    this.#running = this.#run();
  }

  get isReady(): boolean {
    return this.#phase === "ready";
  }

  get isDraining(): boolean {
    return this.#ended.signal.aborted;
  }

  get phase(): ReplicaPhase {
    return this.#phase;
  }

  /** The last failure, until the replica has been ready again. */
  get failure(): { readonly reason: string; readonly outOfMemory: boolean } | undefined {
    return this.#failure;
  }

  state(): ReplicaState {
    return {
      id: this.id,
      revision: this.generation.revision.number,
      phase: this.#phase,
      since: this.#since,
      restarts: this.#restarts,
      ...(this.#replica && { memoryBytes: this.#replica.memoryBytes() }),
      ...(this.#failure && { reason: this.#failure.reason, outOfMemory: this.#failure.outOfMemory }),
    };
  }

  /** @returns the last lines that the replica printed, oldest first */
  logTail(lines: number): string[] {
    return this.#log.tail(lines).map((line) => line.text);
  }

  /** Sends it no new request, lets those in-flight end, then stops it. Calling again hurries nothing. */
  async drain(maxDrainMs = drainMs): Promise<void> {
    if (!this.isDraining) {
      this.#ended.abort();
      if (this.#phase !== "failed") this.#enter("draining");
      const replica = this.#replica;
      if (replica) {
        const deadline = AbortSignal.timeout(maxDrainMs);
        await Promise.all(this.#backendIds(replica).map((id) => this.#gateway.drainBackend(this.#api, id, deadline)));
        await replica.stop(graceMs);
      }
    }
    await this.#running;
  }

  get #gateway(): Gateway {
    return this.#ports.gateway;
  }

  get #api(): string {
    return this.generation.revision.spec.name;
  }

  async #run(): Promise<void> {
    while (!this.isDraining) {
      const failure = await this.#runOnce();
      if (this.isDraining) break;
      const wasReadyMs = failure.isBeforeReady ? 0 : Date.now() - this.#since;
      this.#failures = wasReadyMs >= 60_000 ? 1 : this.#failures + 1;
      this.#failure = { reason: reasonOf(failure), outOfMemory: failure.exit?.outOfMemory ?? false };
      this.#enter("failed");
      this.#ports.onFailure(this, failure);
      const waitMs = restartDelayMs(this.#failures, wasReadyMs);
      await delay(waitMs, undefined, { signal: this.#ended.signal }).catch(() => {});
      this.#restarts += 1;
    }
    this.#log.close();
    this.#ports.onPhase(this, "stopped");
  }

  /** Runs one replica from start to end. */
  async #runOnce(): Promise<SlotFailure> {
    let isBeforeReady = true;
    try {
      this.#enter("preparing packages");
      const replica = await this.#ports.start(this.generation, this.id, this.#log, this.#ended.signal);
      this.#replica = replica;
      if (this.isDraining) await replica.stop(0);
      else this.#enter("starting");
      replica.onPhase((phase) => phase === "loading" && !this.isDraining && this.#enter("loading"));
      try {
        await replica.ready;
        isBeforeReady = false;
        if (!this.isDraining) this.#serve(replica);
      } catch {
        // `exited` says why.
      }
      const exit = await replica.exited;
      for (const id of this.#backendIds(replica)) this.#gateway.failBackend(this.#api, id, exit.reason);
      return { isBeforeReady, exit };
    } catch (error) {
      return { isBeforeReady, error };
    } finally {
      this.#replica = undefined;
    }
  }

  #serve(replica: Replica): void {
    const { number, spec } = this.generation.revision;
    replica.addresses.forEach((address, index) => {
      this.#gateway.addBackend(this.#api, {
        id: this.#backendIds(replica)[index]!,
        replica: this.id,
        revision: number,
        address,
        maxConcurrency: Math.max(1, Math.ceil(spec.pod.max_concurrency / replica.addresses.length)),
        prefetch: spec.handler !== null,
      });
    });
    this.#failure = undefined;
    this.#enter("ready");
  }

  #backendIds(replica: Replica): string[] {
    return replica.addresses.map((_, index) => `${this.id}.${replica.pid}.${index}`);
  }

  #enter(phase: ReplicaPhase): void {
    this.#phase = phase;
    this.#since = Date.now();
    this.#ports.onPhase(this, phase);
  }
}

function reasonOf({ exit, error }: SlotFailure): string {
  return exit?.reason ?? (error instanceof Error ? error.message : String(error));
}
