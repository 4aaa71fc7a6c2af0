import { availableParallelism, totalmem } from "node:os";
import type { ApiState, LogLine, LogOptions, Revision, RolloutEvent } from "../../../core/environment.ts";
import { CortexError } from "../../../core/errors.ts";
import { splitterHasNone, targetInUse, targetsOf } from "../../../core/splitters.ts";
import { type EventHistory, untilAborted } from "../../../core/streams.ts";
import type { Gateway } from "../gateway/types.ts";
import type { LogStore } from "../logs/log-store.ts";
import { ApiController } from "./api-controller.ts";
import type { ApiRecord, ApiStore } from "./api-store.ts";
import type { Controller, ControllerPorts, RolloutRequest } from "./controller.ts";
import type { LocalRevision } from "./generation.ts";
import type { Refresh, RollBack, RollOut } from "./protocol.ts";
import { SplitterController, type SplitterRevision } from "./splitter-controller.ts";

export interface AgentPorts {
  readonly gateway: Gateway;
  readonly logs: LogStore;
  readonly store: ApiStore;
  readonly slots: ControllerPorts["slots"];
  /** Of the gateway, also while it cannot listen there. */
  port(): number;
  /** @returns whether the snapshot of that digest is there */
  hasSnapshot(digest: string): Promise<boolean>;
  /** Removes what no API needs any more; `projects` are the digests that some revision still has. */
  collectGarbage(projects: readonly string[]): Promise<void>;
}

/** How often the autoscaler is shown what is in-flight. */
const observeMs = 250;
/** Changes within this time make one notification. */
const coalesceMs = 100;
const deleteDrainMs = 30_000;

/** All APIs of one home. Holds no socket and no file of its own: those who speak to it, and what it uses, are given. */
export class Agent {
  readonly #ports: AgentPorts;
  readonly #apis = new Map<string, Controller>();
  /** APIs that are deleted but whose in-flight requests have not ended; the same name waits for it. */
  readonly #removing = new Map<string, Promise<void>>();
  /** Those of them that are still on disk. */
  readonly #forgetting = new Set<Promise<void>>();
  readonly #listeners = new Set<() => void>();
  readonly #observing: NodeJS.Timeout;
  #notifying: NodeJS.Timeout | undefined;
  #frozen: CortexError | undefined;

  constructor(ports: AgentPorts) {
    this.#ports = ports;
    this.#observing = setInterval(() => {
      const now = performance.now();
      for (const api of this.#apis.values()) api.observe(now);
    }, observeMs);
    this.#observing.unref();
  }

  /** Brings back what an earlier agent ran. One API that cannot be brought back keeps no other from it. */
  restore(records: readonly ApiRecord[]): void {
    for (const record of records) {
      try {
        this.#apis.set(record.name, restored(record, this.#controllerPorts()));
      } catch (error) {
        console.error(`${record.name} cannot be brought back: somebody has edited its files`, error);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#apis.size === 0 && this.#removing.size === 0;
  }

  /** @returns APIs in alphabetical order */
  list(): readonly ApiState[] {
    return [...this.#apis.values()].map((api) => api.state()).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Calls `listener` after changes, at most ten times a second. @returns how to stop it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws CONFLICT, DISK_FULL, NOT_WRITABLE */
  async rollOut(request: RollOut): Promise<EventHistory<RolloutEvent>> {
    const { api: spec, revisionId, project, createdBy } = request;
    if (project !== "" && !(await this.#ports.hasSnapshot(project))) throw new Error(`no snapshot ${project}`);
    await this.#removing.get(spec.name)?.catch(() => {});
    this.#refuseWhenFrozen();
    this.#refuseTakenEndpoint(spec);
    this.#refuseMissingTargets(spec);
    const revision = { number: 1, id: revisionId, project, spec, createdAt: Date.now(), createdBy };
    const known = this.#apis.get(spec.name);
    if (known && known.kind !== spec.kind) {
      throw new CortexError("CONFLICT", `${spec.name}: its kind cannot change from ${known.kind} to ${spec.kind}`, {
        hint: `delete it first: cortex delete ${spec.name}`,
      });
    }
    if (known) return this.#afterSave(known, known.rollOut(revision, request));
    const created = newController(revision, request, this.#controllerPorts());
    this.#apis.set(spec.name, created);
    try {
      return await this.#afterSave(created, created.history);
    } catch (error) {
      await this.remove(spec.name, true).catch(() => {});
      throw error;
    }
  }

  /** @throws API_NOT_FOUND, REVISION_NOT_FOUND, CONFLICT */
  async rollBack(name: string, request: RollBack): Promise<EventHistory<RolloutEvent>> {
    const api = this.#find(name);
    const old = api.revisions.find((revision) => revision.number === request.revision);
    if (!old) {
      const known = api.revisions.map((revision) => revision.number).join(", ");
      throw new CortexError("REVISION_NOT_FOUND", `${name} has no revision ${request.revision}`, {
        hint: `there are ${known}; see: cortex history ${name}`,
      });
    }
    this.#refuseWhenFrozen();
    this.#refuseTakenEndpoint(old.spec);
    this.#refuseMissingTargets(old.spec);
    const again = { ...old, createdAt: Date.now(), createdBy: request.createdBy, rollbackOf: old.number };
    return this.#afterSave(api, api.rollOut(again, request));
  }

  /** @throws API_NOT_FOUND, CONFLICT, NOT_SUPPORTED */
  async refresh(name: string, request: Refresh): Promise<EventHistory<RolloutEvent>> {
    this.#refuseWhenFrozen();
    return this.#find(name).refresh(request);
  }

  /** Newest first. @throws API_NOT_FOUND */
  revisions(name: string): readonly Revision[] {
    return this.#find(name).revisions;
  }

  /** @throws API_NOT_FOUND, NOT_SUPPORTED */
  logs(name: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine> {
    const api = this.#find(name);
    if (api.kind === "TrafficSplitter") throw splitterHasNone(api.revisions[0]!.spec, "lines of its own", "logs");
    return this.#ports.logs.read(name, options, signal);
  }

  /**
   * @throws API_NOT_FOUND; CONFLICT when a splitter needs it; DISK_FULL or NOT_WRITABLE when it cannot be forgotten: then it
   * serves on
   */
  async remove(name: string, keepCache: boolean): Promise<void> {
    this.#refuseWhenFrozen();
    const api = this.#find(name);
    const splitters = [...this.#apis.values()].filter(({ targets }) => targets.includes(name));
    if (splitters.length > 0) throw targetInUse(name, splitters.map((one) => one.name).sort());
    this.#apis.delete(name);
    const removed = this.#removeApi(api).finally(() => this.#removing.delete(name));
    this.#removing.set(name, removed);
    await removed;
    if (!keepCache) {
      await this.#ports.logs.remove(name);
      await this.#collectGarbage();
    }
    this.#notify();
  }

  /** Shows the API that a request waits for its first replica. */
  wake(name: string): void {
    this.#apis.get(name)?.wake();
  }

  /** From now on nothing is changed or written: another agent takes over. @returns how to go on after all */
  async freeze(reason: CortexError): Promise<() => void> {
    this.#frozen = reason;
    await Promise.all([...this.#apis.values()].map((api) => api.saved().catch(() => {})));
    await Promise.all(this.#forgetting);
    return () => {
      this.#frozen = undefined;
      for (const api of this.#apis.values()) api.keep();
    };
  }

  /** Ends every replica, after its in-flight requests; APIs stay on disk. */
  async close(maxDrainMs: number): Promise<void> {
    clearInterval(this.#observing);
    clearTimeout(this.#notifying);
    const removing = [...this.#removing.values()].map((removed) => removed.catch(() => {}));
    await Promise.all([...removing, ...[...this.#apis.values()].map((api) => api.close(maxDrainMs))]);
  }

  /** @returns when every API that was live has a ready replica again, or cannot have one */
  async restored(signal: AbortSignal): Promise<void> {
    const isWaiting = () => this.list().some((api) => api.status.code === "status_updating" && api.ready === 0);
    while (isWaiting()) {
      const changed = Promise.withResolvers<void>();
      const stop = this.onChange(changed.resolve);
      try {
        await untilAborted(changed.promise, signal);
      } finally {
        stop();
      }
    }
  }

  #controllerPorts(): ControllerPorts {
    const machine = { cores: availableParallelism(), memoryBytes: totalmem() };
    return {
      gateway: this.#ports.gateway,
      port: this.#ports.port,
      slots: this.#ports.slots,
      machine: () => machine,
      isDeployed: (name) => this.#apis.has(name),
      save: async (record) => {
        if (this.#frozen || this.#apis.get(record.name) === undefined) return;
        await this.#ports.store.save(record);
      },
      changed: () => this.#notify(),
    };
  }

  async #afterSave(api: Controller, history: EventHistory<RolloutEvent>): Promise<EventHistory<RolloutEvent>> {
    try {
      await api.saved();
    } catch (error) {
      api.abandon(error);
      throw error;
    }
    void this.#collectGarbage();
    return history;
  }

  async #removeApi(api: Controller): Promise<void> {
    const forgotten = this.#forget(api);
    const settled = forgotten.catch(() => {}).finally(() => this.#forgetting.delete(settled));
    this.#forgetting.add(settled);
    await forgotten;
    await api.remove(deleteDrainMs);
  }

  /** From here on it does not come back, whatever happens to this process. */
  async #forget(api: Controller): Promise<void> {
    try {
      await api.saved().catch(() => {});
      await this.#ports.store.remove(api.name);
    } catch (error) {
      this.#apis.set(api.name, api);
      throw error;
    }
  }

  #find(name: string): Controller {
    const api = this.#apis.get(name);
    if (api) return api;
    const names = [...this.#apis.keys()].sort();
    throw new CortexError("API_NOT_FOUND", `${name} is not deployed`, {
      hint:
        names.length > 0 ? `deployed here: ${names.join(", ")}` : "nothing is deployed here; see: cortex deploy --help",
    });
  }

  #refuseWhenFrozen(): void {
    if (this.#frozen) throw this.#frozen;
  }

  /** What is being deleted is no target any more. */
  #refuseMissingTargets(spec: Revision["spec"]): void {
    const missing = targetsOf(spec).filter((target) => this.#apis.get(target)?.kind !== "RealtimeAPI");
    if (missing.length === 0) return;
    throw new CortexError("CONFLICT", `${spec.name}: not deployed: ${missing.join(", ")}`, {
      hint: `deploy ${missing.join(" and ")} first, or take it out of the apis of ${spec.name}`,
    });
  }

  #refuseTakenEndpoint(spec: Revision["spec"]): void {
    const { endpoint } = spec.networking;
    const taken = [...this.#apis.values()].find((api) => api.name !== spec.name && api.endpoints.includes(endpoint));
    if (!taken) return;
    throw new CortexError("CONFLICT", `${spec.name}: ${endpoint} is the endpoint of ${taken.name} already`, {
      hint: `give one of them another networking.endpoint, or delete ${taken.name}`,
    });
  }

  async #collectGarbage(): Promise<void> {
    await this.#ports.collectGarbage([...this.#apis.values()].flatMap((api) => api.projects)).catch(() => {});
  }

  #notify(): void {
    this.#notifying ??= setTimeout(() => {
      this.#notifying = undefined;
      for (const listener of this.#listeners) listener();
    }, coalesceMs).unref();
  }
}

function newController(revision: Revision, request: RolloutRequest, ports: ControllerPorts): Controller {
  return revision.spec.kind === "TrafficSplitter"
    ? SplitterController.create(revision as SplitterRevision, ports)
    : ApiController.create(revision as LocalRevision, request, ports);
}

function restored(record: ApiRecord, ports: ControllerPorts): Controller {
  return record.revisions[0]?.spec.kind === "TrafficSplitter"
    ? SplitterController.restore(record, ports)
    : ApiController.restore(record, ports);
}
