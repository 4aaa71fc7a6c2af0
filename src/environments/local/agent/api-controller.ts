import type { ApiState, Revision, RolloutEvent } from "../../../core/environment.ts";
import { CortexError } from "../../../core/errors.ts";
import { EventHistory } from "../../../core/streams.ts";
import { replicaCap } from "../capacity.ts";
import { observe } from "./api-status.ts";
import { type ApiRecord, keepRevisions } from "./api-store.ts";
import type { Controller, ControllerPorts, RolloutRequest } from "./controller.ts";
import { Generation, type LocalRevision } from "./generation.ts";
import { ReplicaCrew } from "./replica-crew.ts";
import type { ReplicaSlot, SlotFailure, SlotPorts } from "./replica-slot.ts";
import { deadlinePassed, rolloutFailure } from "./rollout-failure.ts";
import { Scaler } from "./scaler.ts";

/** For an update that an earlier agent left under way; what its caller had asked for is not known any more. */
const resumedTimeoutMs = 15 * 60_000;

type History = EventHistory<RolloutEvent>;

/**
 * Runs one API: remembers what is wanted, looks at what is there after every event, and takes the next step towards it.
 * All decisions are taken in one turn of the event loop, so no two of them ever see each other half-way.
 */
export class ApiController implements Controller {
  readonly name: string;
  readonly kind = "RealtimeAPI";
  readonly targets: readonly string[] = [];
  readonly #ports: ControllerPorts;
  readonly #scaler = new Scaler(performance.now());
  readonly #crew: ReplicaCrew;
  #revisions: readonly LocalRevision[];
  /** What was last asked for. */
  #target: Generation;
  /** What was live last: serves on while the target is on its way, and when that fails. */
  #live: Generation | undefined;
  #requested: number;
  /** An update that an earlier agent left under way, as long as nothing newer was asked for. */
  #interrupted: LocalRevision | undefined;
  #isRemoved = false;
  #saved: Promise<void> = Promise.resolve();

  private constructor(
    revisions: readonly LocalRevision[],
    target: Generation,
    requested: number,
    ports: ControllerPorts,
  ) {
    this.name = target.revision.spec.name;
    this.#revisions = revisions;
    this.#target = target;
    this.#requested = requested;
    this.#ports = ports;
    this.#crew = new ReplicaCrew({
      ...ports.slots,
      gateway: ports.gateway,
      onPhase: (slot, phase) => this.#onPhase(slot, phase),
      onFailure: (slot, failure) => this.#onFailure(slot, failure),
    });
  }

  /** A new API: its first revision, on its way. */
  static create(revision: LocalRevision, request: RolloutRequest, ports: ControllerPorts): ApiController {
    const controller: ApiController = new ApiController(
      [revision],
      new Generation(revision, { timeoutMs: request.timeoutMs, onDeadline: () => controller.#onDeadline() }),
      Math.max(1, revision.spec.autoscaling.init_replicas),
      ports,
    );
    controller.#begin("created");
    return controller;
  }

  /** An API as an earlier agent left it: what was live comes back first, then an update that was under way goes on. */
  static restore(record: ApiRecord, ports: ControllerPorts): ApiController {
    const revisions = record.revisions as readonly LocalRevision[];
    const find = (number: number | undefined) => revisions.find((one) => one.number === number);
    const live = find(record.live);
    const wanted = find(record.wanted) ?? revisions.at(-1)!;
    const target = live
      ? new Generation(live)
      : new Generation(wanted, { timeoutMs: resumedTimeoutMs, onDeadline: () => controller.#onDeadline() });
    // The machine may be another one by now, or its owner may have edited the number.
    const requested = Math.max(0, Math.min(record.requested, replicaCap(target.revision.spec, ports.machine())));
    const controller: ApiController = new ApiController(revisions, target, requested, ports);
    controller.#applyRoute((live ?? wanted).spec);
    if (live) {
      controller.#live = target;
      target.becomeLive(controller.#endpoint);
      if (wanted !== live && !record.failure) controller.#interrupted = wanted;
    }
    if (record.failure) {
      if (live) controller.#target = new Generation(wanted);
      controller.#target.fail(new CortexError("ROLLOUT_FAILED", record.failure.message), record.failure.outOfMemory);
      controller.#explainUnavailable();
    }
    controller.#reconcile();
    return controller;
  }

  get revisions(): readonly Revision[] {
    return this.#revisions.toReversed();
  }

  /** What happens to the generation that was last asked for. */
  get history(): History {
    return this.#target.history;
  }

  /** Those that requests come by now, and those that they will come by when all that was asked for is live. */
  get endpoints(): readonly string[] {
    const specs = [this.#target.revision.spec, this.#live?.revision.spec, this.#interrupted?.spec];
    return specs.flatMap((spec) => spec?.networking.endpoint ?? []);
  }

  /** Digests of the projects that some kept revision needs. */
  get projects(): readonly string[] {
    return this.#revisions.map((revision) => revision.project);
  }

  state(): ApiState {
    const { gateway } = this.#ports;
    const { name } = this;
    const autoscaler = this.#scaler.view && { autoscaler: this.#scaler.view };
    const view = {
      name,
      endpoint: this.#endpoint,
      metrics: gateway.metrics(name),
      notices: this.#notices(),
      ...autoscaler,
    };
    return { ...view, ...observe(this.#target, this.#live, this.#requested, this.#crew.slots) };
  }

  /**
   * Makes `revision` (its number is not looked at) the wanted one.
   * @returns its events from the start, also when it is on its way already
   * @throws CONFLICT when another update is under way
   */
  rollOut(revision: LocalRevision, request: RolloutRequest): History {
    const target = this.#target;
    const live = this.#live;
    const known = [target.revision, live?.revision, this.#interrupted].find((one) => one?.id === revision.id);
    if (target.state === "rolling" && known === target.revision) return target.history;
    this.#refuseWhileRolling(request);
    if (live && known === live.revision && this.#isServing(live)) return this.#returnToLive();
    if (known) return this.#retarget(known, request, "updated");
    const next = { ...revision, number: this.#newestNumber() + 1 };
    this.#revisions = keepRevisions([...this.#revisions, next], live?.revision.number) as LocalRevision[];
    return this.#retarget(next, request, "updated");
  }

  /** @throws CONFLICT */
  refresh(request: RolloutRequest): History {
    this.#refuseWhileRolling(request);
    return this.#retarget(this.#interrupted ?? this.#target.revision, request, "refreshed");
  }

  /** Gives the update that is under way up: it could not be kept on disk. */
  abandon(cause: unknown): void {
    if (this.#target.state !== "rolling") return;
    this.#target.fail(cause instanceof CortexError ? cause : new CortexError("FAILED", String(cause)));
    this.#reconcile();
  }

  /** Ends the API: it answers 404 from now on, in-flight requests end, then the replicas. */
  async remove(maxDrainMs: number): Promise<void> {
    this.#isRemoved = true;
    this.#target.fail(new CortexError("API_NOT_FOUND", `${this.name} was deleted`));
    await this.#saved.catch(() => {});
    // The route lives on until the replicas are drained; requests that have a replica end there.
    await Promise.all([this.#ports.gateway.removeRoute(this.name), this.#crew.end(maxDrainMs)]);
  }

  /** Ends the replicas and keeps the API for a later agent. */
  async close(maxDrainMs: number): Promise<void> {
    this.#isRemoved = true;
    await this.#saved.catch(() => {});
    await this.#crew.end(maxDrainMs);
  }

  /** Several times a second: shows the autoscaler what is in-flight. @param now on the clock of `performance` */
  observe(now: number): void {
    const live = this.#live;
    if (!live || this.#target.state === "rolling") return;
    const { inFlight, queueLength } = this.#ports.gateway.sample(this.name);
    const cap = replicaCap(live.revision.spec, this.#ports.machine());
    this.#request(this.#scaler.observe(live.revision.spec, inFlight + queueLength, this.#requested, cap, now));
  }

  /** A request waits and there is no replica: from zero, the first one is started at once. */
  wake(): void {
    if (this.#requested === 0 && this.#running()) this.#request(1);
  }

  /** @returns when all that was decided so far is on disk. @throws DISK_FULL, NOT_WRITABLE */
  saved(): Promise<void> {
    return this.#saved;
  }

  /** Keeps it as it is now, for when that could not be done while it changed. */
  keep(): void {
    this.#save();
  }

  get #endpoint(): string {
    const spec = (this.#live ?? this.#target).revision.spec;
    return `http://localhost:${this.#ports.port()}${spec.networking.endpoint}`;
  }

  #newestNumber(): number {
    return Math.max(...this.#revisions.map((revision) => revision.number));
  }

  #refuseWhileRolling({ force }: RolloutRequest): void {
    const { state, revision } = this.#target;
    if (state !== "rolling" || force) return;
    const secondsAgo = Math.round((Date.now() - this.#target.startedAt) / 1000);
    throw new CortexError(
      "CONFLICT",
      `${this.name} is updating to revision ${revision.number} (by ${revision.createdBy}, ${secondsAgo} s ago)`,
      { hint: "wait for it, or override it with --force" },
    );
  }

  /** Scaled to zero it serves, too: the next request starts a replica. */
  #isServing(generation: Generation): boolean {
    return this.#requested === 0 || this.#crew.readyOf(generation) > 0;
  }

  #servingNumber(): number | undefined {
    return this.#live && this.#isServing(this.#live) ? this.#live.revision.number : undefined;
  }

  #retarget(revision: LocalRevision, { timeoutMs }: RolloutRequest, change: "updated" | "refreshed"): History {
    this.#supersede(new Generation(revision, { timeoutMs, onDeadline: () => this.#onDeadline() }));
    this.#begin(change);
    return this.#target.history;
  }

  #supersede(next: Generation): void {
    const superseded = this.#target;
    this.#target = next;
    this.#interrupted = undefined;
    if (superseded.state !== "rolling") return;
    const { number, createdBy } = next.revision;
    superseded.fail(new CortexError("CONFLICT", `${this.name}: overridden by revision ${number} of ${createdBy}`));
  }

  #begin(change: "created" | "updated" | "refreshed"): void {
    const { revision, history } = this.#target;
    const { min_replicas } = revision.spec.autoscaling;
    const cap = replicaCap(revision.spec, this.#ports.machine());
    // An update is tried on at least one replica also when the API is scaled to zero.
    this.#requested = Math.max(1, Math.min(cap, Math.max(this.#requested, min_replicas)));
    if (!this.#live) this.#applyRoute(revision.spec);
    history.push({ type: "accepted", change, revision: revision.number });
    this.#save();
    this.#reconcile();
  }

  /** The content that is live was asked for again, after something newer had failed or instead of it. */
  #returnToLive(): History {
    this.#supersede(this.#live!);
    this.#save();
    this.#reconcile();
    return this.#alreadyLive();
  }

  #alreadyLive(): History {
    const { number } = this.#target.revision;
    const history: History = new EventHistory();
    history.push({ type: "accepted", change: "updated", revision: number });
    history.push({ type: "live", revision: number, endpoint: this.#endpoint });
    history.end();
    return history;
  }

  /** Goes on with the update that was under way when the earlier agent ended, once what was live had its chance. */
  #resumeInterrupted(): void {
    const wanted = this.#interrupted;
    if (!wanted) return;
    this.#retarget(wanted, { force: true, timeoutMs: resumedTimeoutMs }, "updated");
  }

  #request(replicas: number): void {
    if (replicas === this.#requested) return;
    this.#requested = replicas;
    // What failed before does not matter to the request that wakes it up again.
    if (replicas === 0) this.#ports.gateway.setUnavailable(this.name, undefined);
    this.#save();
    this.#reconcile();
  }

  /** The generation whose replicas there should be now. */
  #running(): Generation | undefined {
    return this.#target.state === "failed" ? this.#live : this.#target;
  }

  #reconcile(): void {
    if (this.#isRemoved) return;
    this.#crew.step(this.#running(), this.#requested, this.#target);
    this.#finishWhenLive();
    this.#ports.changed();
  }

  #finishWhenLive(): void {
    const target = this.#target;
    if (target.state !== "rolling" || this.#crew.readyOf(target) < this.#requested) return;
    if (!this.#crew.isAllOf(target)) return;
    this.#live = target;
    this.#scaler.reset(performance.now());
    this.#applyRoute(target.revision.spec);
    target.becomeLive(this.#endpoint);
    this.#save();
  }

  #onPhase(slot: ReplicaSlot, phase: Parameters<SlotPorts["onPhase"]>[1]): void {
    this.#running()?.history.push({ type: "replica", replica: slot.id, phase, at: Date.now() });
    if (phase === "ready") {
      this.#ports.gateway.setUnavailable(this.name, undefined);
      this.#resumeInterrupted();
    }
    this.#reconcile();
  }

  #onFailure(slot: ReplicaSlot, failure: SlotFailure): void {
    const isCurrent = slot.generation === this.#target && this.#target.state === "rolling";
    if (isCurrent && failure.isBeforeReady) {
      const error = rolloutFailure(this.name, slot, failure, this.#servingNumber());
      this.#failRollout(error, failure.exit?.outOfMemory);
    } else {
      this.#explainUnavailable();
      this.#resumeInterrupted();
    }
    this.#reconcile();
  }

  #onDeadline(): void {
    const { revision, state } = this.#target;
    if (state !== "rolling" || this.#isRemoved) return;
    const waiting = this.#crew.slots.find((slot) => slot.generation === this.#target && !slot.isReady);
    this.#failRollout(deadlinePassed(this.name, revision.number, waiting));
    this.#reconcile();
  }

  #failRollout(error: CortexError, outOfMemory?: boolean): void {
    this.#target.fail(error, outOfMemory);
    this.#explainUnavailable();
    this.#save();
  }

  /** While nothing serves, requests are answered with the cause at once, unless a replica is on its way. */
  #explainUnavailable(): void {
    if (this.#crew.hasReady) return;
    const failed = this.#crew.slots.find((slot) => slot.failure);
    const reason = this.#target.failure?.message ?? (failed && `replica ${failed.id}: ${failed.failure?.reason}`);
    if (!reason) return;
    this.#ports.gateway.setUnavailable(this.name, { code: "replica_failed", message: reason, retryAfterS: 5 });
  }

  #applyRoute(spec: LocalRevision["spec"]): void {
    this.#ports.gateway.setRoute({
      api: this.name,
      endpoint: spec.networking.endpoint,
      maxQueueLength: spec.pod.max_queue_length,
    });
  }

  #notices(): string[] {
    const { spec } = this.#target.revision;
    const cap = replicaCap(spec, this.#ports.machine());
    return cap < spec.autoscaling.max_replicas
      ? [`max_replicas is ${spec.autoscaling.max_replicas}; this machine has room for ${cap}`]
      : [];
  }

  #save(): void {
    if (this.#isRemoved) return;
    const { failure, revision } = this.#target;
    const record: ApiRecord = {
      name: this.name,
      revisions: this.#revisions,
      wanted: (this.#interrupted ?? revision).number,
      ...(this.#live && { live: this.#live.revision.number }),
      ...(failure && { failure }),
      requested: this.#requested,
    };
    this.#saved = this.#saved.catch(() => {}).then(() => this.#ports.save(record));
    this.#saved.catch(() => {});
  }
}
