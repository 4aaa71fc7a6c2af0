import type { Refusal } from "./faults.ts";
import { Meter } from "./meter.ts";
import type { ReadBuffers } from "./read-buffers.ts";
import { ReplicaLoad, type Ticket } from "./replica-load.ts";
import { refusalFor } from "./replies.ts";
import type { Backend, GatewayLimits, RouteOptions, Sample, Unavailable } from "./types.ts";
import { Upstreams } from "./upstreams.ts";
import { WaitingLine } from "./waiting-line.ts";

/** All requests to one API: which replica gets which, who waits, and who is turned away. */
export class ApiTraffic {
  readonly api: string;
  readonly meter: Meter;
  endpoint: string;
  maxQueueLength: number;
  /** Those that get requests. */
  private readonly replicas: ReplicaLoad[] = [];
  /** Those that get no more but still hold some. */
  private readonly leaving = new Set<ReplicaLoad>();
  private readonly line = new WaitingLine<Ticket>();
  private readonly limits: GatewayLimits;
  private readonly buffers: ReadBuffers;
  private readonly onWaiting: (api: string) => void;
  private readonly whenDone: (() => void)[] = [];
  private unavailable: Unavailable | undefined;
  private isRemoved = false;
  private inFlight = 0;
  private turn = 0;

  constructor(
    route: RouteOptions,
    around: { readonly limits: GatewayLimits; readonly buffers: ReadBuffers; onWaiting(api: string): void },
  ) {
    this.api = route.api;
    this.endpoint = route.endpoint;
    this.maxQueueLength = route.maxQueueLength;
    this.limits = around.limits;
    this.buffers = around.buffers;
    this.onWaiting = around.onWaiting;
    this.meter = new Meter(performance.now());
  }

  get sample(): Sample {
    return { inFlight: this.inFlight, queueLength: this.line.length };
  }

  /** A replica of several processes has as many backends, and is one all the same. */
  get replicasReady(): number {
    return new Set(this.replicas.map(({ backend }) => backend.replica)).size;
  }

  inFlightOf(replica: string): number {
    return this.replicas.reduce((sum, one) => sum + (one.backend.replica === replica ? one.inFlight : 0), 0);
  }

  /** Starts the request, lets it wait, or refuses it. */
  admit(ticket: Ticket, now: number): void {
    const replica = this.line.length === 0 ? this.choose(now) : undefined;
    if (replica) {
      this.begin(ticket, replica, now);
      return;
    }
    const refusal = this.refusalNow();
    if (refusal) {
      ticket.refuse(refusal);
      return;
    }
    if (this.line.length >= this.maxQueueLength && this.line.length >= this.maxQueueLength * this.replicasReady) {
      ticket.refuse(refusalFor.queueFull(this.api, this.line.length));
      return;
    }
    ticket.waitingSince = now;
    this.line.join(ticket);
    if (this.replicas.length === 0) this.onWaiting(this.api);
  }

  /** For a request that no replica has read though it was sent: its turn comes first. */
  admitAgain(ticket: Ticket): void {
    const refusal = this.refusalNow();
    if (refusal) {
      ticket.refuse(refusal);
      return;
    }
    this.line.joinFront(ticket);
    if (this.replicas.length === 0) this.onWaiting(this.api);
    this.startWaiting(performance.now());
  }

  /** It waits no more: its client is gone. */
  withdraw(ticket: Ticket): void {
    this.line.leave(ticket);
  }

  /** A replica is done with a request. @param held see `ReplicaLoad.finish` */
  release(replica: ReplicaLoad, tookMs: number, held: number): void {
    const now = performance.now();
    replica.finish(now, tookMs, held);
    this.inFlight--;
    if (this.line.length > 0) this.startWaiting(now);
    if (replica.inFlight === 0 && this.leaving.has(replica)) this.retire(replica);
    if (this.inFlight === 0) for (const done of this.whenDone.splice(0)) done();
  }

  /** A replica takes no connections. */
  suspend(replica: ReplicaLoad): void {
    replica.suspend(() => this.startWaiting(performance.now()));
  }

  add(backend: Backend): void {
    const upstreams = new Upstreams(backend.address, this.limits.upstreamIdleMs, this.buffers);
    this.replicas.push(new ReplicaLoad(backend, upstreams));
    this.startWaiting(performance.now());
  }

  /** See Gateway.drainBackend. @returns undefined when there is no such replica */
  drain(id: string, signal: AbortSignal): Promise<void> | undefined {
    const replica = this.takeOut(id);
    if (!replica) return undefined;
    if (replica.inFlight === 0) {
      this.retire(replica);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cut = () => replica.upstreams.cut("it was stopped before it had answered");
      replica.whenEmpty.push(() => {
        signal.removeEventListener("abort", cut);
        resolve();
      });
      signal.addEventListener("abort", cut, { once: true });
      if (signal.aborted) cut();
    });
  }

  /** @returns whether there was such a replica */
  fail(id: string, cause: string): boolean {
    const replica = this.takeOut(id);
    if (!replica) return false;
    replica.endCause = cause;
    for (const ticket of [...replica.lost]) ticket.replicaEnded(cause);
    // What it sent before it ended may not have been read yet; connections that a child of it holds open never end.
    if (replica.inFlight === 0) this.retire(replica);
    else setTimeout(() => replica.upstreams.cut(cause), this.limits.causeGraceMs).unref();
    return true;
  }

  setUnavailable(cause: Unavailable | undefined): void {
    this.unavailable = cause;
    this.refuseStranded();
  }

  /** Turns away those that waited too long, and closes connections that were idle too long. */
  sweep(now: number): void {
    for (const { upstreams } of this.replicas) upstreams.sweep(now);
    const { maxHoldMs } = this.limits;
    for (let one = this.line.first; one && now - one.waitingSince > maxHoldMs; one = this.line.first) {
      this.line.leave(one);
      one.refuse(refusalFor.heldTooLong(this.api, maxHoldMs));
    }
  }

  /** Takes no more requests; resolves when those in flight are done. */
  async remove(): Promise<void> {
    this.isRemoved = true;
    this.refuseStranded();
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.whenDone.push(resolve));
    this.close();
  }

  /** Closes the connections to replicas, or lets them close as they get idle. */
  close(): void {
    for (const { upstreams } of [...this.replicas, ...this.leaving]) upstreams.close();
  }

  private begin(ticket: Ticket, replica: ReplicaLoad, now: number): void {
    this.inFlight++;
    replica.begin(now);
    ticket.start(replica);
  }

  private startWaiting(now: number): void {
    for (let one = this.line.first; one; one = this.line.first) {
      const replica = this.choose(now);
      if (!replica) return;
      this.line.leave(one);
      this.begin(one, replica, now);
    }
  }

  /** The replica with the fewest requests in flight among those that take one more; in turn among equals. */
  private choose(now: number): ReplicaLoad | undefined {
    const { replicas } = this;
    let best = -1;
    for (let i = 0; i < replicas.length; i++) {
      const at = (this.turn + i) % replicas.length;
      if (!replicas[at]!.accepts(now)) continue;
      if (best < 0 || replicas[at]!.inFlight < replicas[best]!.inFlight) best = at;
    }
    if (best < 0) return undefined;
    this.turn = (best + 1) % replicas.length;
    return replicas[best];
  }

  /** Sends it nothing more. @returns undefined when there is no such replica, neither in service nor leaving */
  private takeOut(id: string): ReplicaLoad | undefined {
    const at = this.replicas.findIndex((one) => one.backend.id === id);
    if (at < 0) return [...this.leaving].find((one) => one.backend.id === id);
    const replica = this.replicas.splice(at, 1)[0]!;
    this.leaving.add(replica);
    if (this.replicas.length === 0) this.refuseStranded();
    if (this.replicas.length === 0 && this.line.length > 0) this.onWaiting(this.api);
    return replica;
  }

  private retire(replica: ReplicaLoad): void {
    this.leaving.delete(replica);
    replica.upstreams.close();
    for (const tell of replica.whenEmpty.splice(0)) tell();
  }

  private refusalNow(): Refusal | undefined {
    if (this.isRemoved) return refusalFor.deleted(this.api);
    if (this.unavailable && this.replicas.length === 0) return refusalFor.unavailable(this.api, this.unavailable);
    return undefined;
  }

  private refuseStranded(): void {
    for (let one = this.line.first; one; one = this.line.first) {
      const refusal = this.refusalNow();
      if (!refusal) return;
      this.line.leave(one);
      one.refuse(refusal);
    }
  }
}
