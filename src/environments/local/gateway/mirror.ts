import type { Refusal } from "./faults.ts";
import { Outgoing } from "./outgoing.ts";
import type { ReplicaLoad, Ticket } from "./replica-load.ts";
import type { ResponseHead } from "./response-head.ts";
import type { ApiTraffic } from "./traffic.ts";
import type { Loss, UpstreamClient, UpstreamConnection } from "./upstream-connection.ts";
import type { Place } from "./waiting-line.ts";

/** What a copy is a copy of. */
export interface Mirrored {
  readonly splitter: string;
  /** The head as a replica gets it. */
  readonly head: string;
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
}

/** How a copy ended; nobody but the shadow's own figures hears of it. */
export interface MirrorEnd {
  readonly status: number;
  readonly replica: ReplicaLoad | undefined;
  /** When it was complete and began to ask for a replica, on the clock of `performance.now()`; 0: it never was. */
  readonly startedAt: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const clientHungUp = 499;
const tookTooLong = 504;

/**
 * A copy of one request, for an API that only looks on: gathered while the request arrives, sent when it has arrived whole,
 * so that the request never waits for it. The answer is thrown away as it comes.
 */
export class Mirror implements Ticket, UpstreamClient {
  readonly minor = 1;
  readonly awaitsUpgrade = false;
  readonly isSent = true;
  readonly isHead: boolean;
  readonly api: ApiTraffic;
  readonly request: Mirrored;
  ahead: Place | undefined;
  behind: Place | undefined;
  isWaiting = false;
  waitingSince = 0;
  /** Of its body, as far as it is held. */
  bytesIn = 0;
  private readonly outgoing = new Outgoing();
  private readonly onEnd: (mirror: Mirror, end: MirrorEnd) => void;
  private state: "arriving" | "asking" | "over" = "arriving";
  private replica: ReplicaLoad | undefined;
  private upstream: UpstreamConnection | undefined;
  private holdsReplica = false;
  private startedAt = 0;
  private sentAt = 0;
  private inFlightAtSend = 0;
  private triedTimes = 0;
  private status = 0;
  private bytesOut = 0;

  constructor(api: ApiTraffic, request: Mirrored, onEnd: (mirror: Mirror, end: MirrorEnd) => void) {
    this.api = api;
    this.request = request;
    this.onEnd = onEnd;
    this.isHead = request.method === "HEAD";
    this.outgoing.begin(request.head);
  }

  add(bytes: Buffer, start: number, end: number): void {
    this.outgoing.add(bytes, start, end);
    this.bytesIn += end - start;
  }

  /** The request has arrived whole. */
  send(now: number): void {
    this.state = "asking";
    this.startedAt = now;
    this.api.admit(this, now);
  }

  /** Ends it wherever it stands. */
  drop(): void {
    if (this.state === "over") return;
    const { upstream } = this;
    this.upstream = undefined;
    this.api.withdraw(this);
    upstream?.abort();
    this.release(0);
    this.end(this.state === "arriving" ? clientHungUp : tookTooLong);
  }

  start(replica: ReplicaLoad): void {
    this.replica = replica;
    this.holdsReplica = true;
    this.upstream = replica.upstreams.acquire(this, true);
    if (this.upstream.isOpen) this.connected();
  }

  connected(): void {
    this.sentAt = performance.now();
    this.inFlightAtSend = this.replica!.inFlight;
    this.outgoing.sendTo(this.upstream!, true);
  }

  upstreamDrained(): void {}

  interim(): void {}

  respond(head: ResponseHead, _body: unknown, _bytes: Buffer, start: number, end: number): void {
    this.outgoing.clear();
    this.status = head.status;
    this.bytesOut = end - start;
  }

  respondMore(_body: unknown, _bytes: Buffer, start: number, end: number): void {
    this.bytesOut += end - start;
  }

  responded(): void {
    this.upstream = undefined;
    this.release(this.inFlightAtSend);
    this.end(this.status);
  }

  /** Never asked for. */
  upgraded(): void {}

  tunnelled(): void {}

  tunnelEnded(): void {}

  lost({ stage }: Loss): void {
    const replica = this.replica!;
    this.upstream = undefined;
    this.release(0);
    const isUntouched = stage === "connecting" || stage === "unread";
    if (!isUntouched || this.triedTimes++ > 0) {
      this.end(502);
      return;
    }
    if (stage === "connecting") this.api.suspend(replica);
    this.api.admitAgain(this);
  }

  replicaEnded(): void {
    this.end(502);
  }

  refuse(refusal: Refusal): void {
    this.end(refusal.status);
  }

  private release(held: number): void {
    if (!this.holdsReplica) return;
    this.holdsReplica = false;
    this.api.release(this.replica!, performance.now() - this.sentAt, held);
  }

  private end(status: number): void {
    if (this.state === "over") return;
    this.state = "over";
    this.outgoing.clear();
    const { replica, startedAt, bytesIn, bytesOut } = this;
    this.onEnd(this, { status, replica, startedAt, bytesIn, bytesOut });
  }
}
