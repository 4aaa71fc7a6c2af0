import { Answer } from "./answer.ts";
import { BodyFollower } from "./body-follower.ts";
import { fault, type Refusal, refusalOf, tooSlow } from "./faults.ts";
import type { Mirror } from "./mirror.ts";
import { Outgoing, readAheadBytes } from "./outgoing.ts";
import type { ReplicaLoad, Ticket } from "./replica-load.ts";
import { refusalFor } from "./replies.ts";
import { forwardedHead, type RequestHead } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";
import { stripEndpoint } from "./router.ts";
import type { Split } from "./split.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ApiTraffic } from "./traffic.ts";
import type { Loss, UpstreamClient, UpstreamConnection } from "./upstream-connection.ts";
import type { Place } from "./waiting-line.ts";
import type { Wire } from "./wire.ts";

/** After so many refused connections a request is answered 502. */
const mostRefusals = 5;
const clientHungUp = 499;
const metricsPath = "/metrics";

/**
 * Where a request stands: `idle` there is none; `reading` its body arrives; `waiting` for a replica; `connecting` to it;
 * `sent` at least in part; `tunnel` it became a WebSocket; `lost` its replica broke off and the cause is awaited.
 */
type Phase = "idle" | "reading" | "waiting" | "connecting" | "sent" | "tunnel" | "lost";

/** The connection that a request came on. */
export interface ExchangeOwner {
  readonly wire: Wire;
  /** The client's address. */
  readonly peer: string;
  /** The answer is complete; `keepsAlive`: another request may follow. */
  exchangeEnded(keepsAlive: boolean): void;
}

/** One request and its answer, from the head's arrival to the last byte. Each connection has one and uses it again. */
export class Exchange implements Ticket, UpstreamClient {
  isHead = false;
  minor = 1;
  awaitsUpgrade = false;
  ahead: Place | undefined;
  behind: Place | undefined;
  isWaiting = false;
  waitingSince = 0;
  private phase: Phase = "idle";
  private readonly owner: ExchangeOwner;
  private readonly around: Surroundings;
  /** Follows the request's body. */
  private readonly body = new BodyFollower();
  private readonly outgoing = new Outgoing();
  private readonly answer: Answer;
  private api: ApiTraffic | undefined;
  /** The splitter that chose the API. */
  private split: Split | undefined;
  /** A copy of it for another API, as long as its body arrives. */
  private mirror: Mirror | undefined;
  private replica: ReplicaLoad | undefined;
  /** Whether the replica counts this request as in flight. */
  private holdsReplica = false;
  private upstream: UpstreamConnection | undefined;
  private method = "";
  private path = "";
  private requestId = "";
  private startedAt = 0;
  /** When the client last sent or read something, on the coarse clock. */
  private lastProgress = 0;
  private canBeSentTwice = false;
  private wasSentTwice = false;
  private refusedConnections = 0;
  private sentAt = 0;
  private inFlightAtSend = 0;
  private bytesIn = 0;
  private causeTimer: NodeJS.Timeout | undefined;

  constructor(owner: ExchangeOwner, around: Surroundings) {
    this.owner = owner;
    this.around = around;
    this.answer = new Answer(owner.wire);
  }

  get isOpen(): boolean {
    return this.phase !== "idle";
  }

  get isSent(): boolean {
    return this.body.isDone;
  }

  /** Whether what comes next from the client is for `take`; if not, it is the next request. */
  get takesMore(): boolean {
    return !this.body.isDone || this.phase === "tunnel";
  }

  /**
   * Takes a request whose head was read, and what of its body stands in `bytes[start, end)`, right after the head.
   * @returns where the request's part of the bytes ends
   */
  begin(head: RequestHead, bytes: Buffer, start: number, end: number): number {
    this.reset(head);
    const target = bytes.toString("latin1", head.targetStart, head.targetEnd);
    this.path = head.pathEnd === head.targetEnd ? target : target.slice(0, head.pathEnd - head.targetStart);
    const bodyEnd = this.body.advance(bytes, start, end);
    this.bytesIn = bodyEnd - start;
    if (this.body.isMalformed) this.breakOff();
    else if (this.path === metricsPath) this.answerMetrics();
    else this.route(head, target, bytes, start, bodyEnd);
    return bodyEnd;
  }

  /** Takes more from the client. @returns where the request's part of the bytes ends */
  take(bytes: Buffer, start: number, end: number): number {
    this.lastProgress = this.around.now;
    if (this.phase === "tunnel") {
      this.bytesIn += end - start;
      this.sendOn(bytes, start, end);
      return end;
    }
    const bodyEnd = this.body.advance(bytes, start, end);
    this.bytesIn += bodyEnd - start;
    if (this.body.isMalformed) {
      this.breakOff();
      return end;
    }
    if (bodyEnd > start && this.phase === "sent") this.sendOn(bytes, start, bodyEnd);
    else if (bodyEnd > start) this.hold(bytes, start, bodyEnd);
    if (this.body.isDone && this.phase === "reading") this.admit();
    // The request itself comes first; one that was refused has no copy any more.
    if (this.mirror) this.copyOn(bytes, start, bodyEnd);
    return bodyEnd;
  }

  /** The client reads on. */
  drained(): void {
    this.lastProgress = this.around.now;
    this.upstream?.wire.resume();
  }

  /** The client closed its side, which takes back the request. */
  hungUp(): void {
    if (this.phase === "idle") return;
    if (this.phase === "tunnel") {
      this.closeTunnel();
      return;
    }
    this.letGo();
    this.complete(clientHungUp);
  }

  /** Ends a request whose client makes no progress. */
  sweep(now: number): void {
    const { limits } = this.around;
    const { wire } = this.owner;
    const hangs = this.phase === "sent" && ((!this.body.isDone && !wire.isPaused) || wire.needsDrain);
    const limitMs = this.phase === "reading" ? limits.headTimeoutMs : hangs ? limits.stallMs : Number.POSITIVE_INFINITY;
    const since = this.phase === "reading" ? this.startedAt : this.lastProgress;
    if (now - since > limitMs) this.giveUp(tooSlow);
  }

  start(replica: ReplicaLoad): void {
    this.replica = replica;
    this.holdsReplica = true;
    this.phase = "connecting";
    this.canBeSentTwice = this.body.isDone && this.outgoing.isWhole;
    this.upstream = replica.upstreams.acquire(this, this.canBeSentTwice);
    if (this.upstream.isOpen) this.connected();
  }

  connected(): void {
    const upstream = this.upstream!;
    this.phase = "sent";
    this.sentAt = performance.now();
    this.lastProgress = this.around.now;
    this.inFlightAtSend = this.replica!.inFlight;
    this.outgoing.sendTo(upstream, this.canBeSentTwice);
    if (!upstream.wire.needsDrain) this.owner.wire.resume();
  }

  upstreamDrained(): void {
    this.lastProgress = this.around.now;
    if (this.phase === "sent" || this.phase === "tunnel") this.owner.wire.resume();
  }

  interim(text: string): void {
    this.answer.interim(text);
  }

  respond(head: ResponseHead, body: BodyFollower, bytes: Buffer, start: number, end: number): void {
    this.outgoing.clear();
    this.settleKeepAlive();
    this.pace(this.answer.begin(head, body, this.upstream!.wire, bytes, start, end), body);
  }

  respondMore(body: BodyFollower, bytes: Buffer, start: number, end: number): void {
    this.pace(this.answer.goOn(body, this.upstream!.wire, bytes, start, end), body);
  }

  responded(): void {
    this.upstream = undefined;
    this.release(this.inFlightAtSend);
    this.complete(this.answer.status);
    this.owner.exchangeEnded(this.answer.keepsAlive && this.body.isDone);
  }

  upgraded(head: ResponseHead, bytes: Buffer): void {
    this.phase = "tunnel";
    this.outgoing.clear();
    this.answer.upgrade(head, bytes);
  }

  tunnelled(bytes: Buffer, start: number, end: number): void {
    this.answer.bytesOut += end - start;
    if (!this.owner.wire.forward(this.upstream!.wire, bytes, start, end)) this.upstream!.wire.pause();
  }

  tunnelEnded(): void {
    this.closeTunnel();
  }

  lost({ stage, error, wasReused, cause }: Loss): void {
    const replica = this.replica!;
    this.upstream = undefined;
    this.release(0);
    if (this.answer.hasBegun) {
      this.cutAnswer();
      return;
    }
    if (stage === "cut") {
      this.replicaEnded(cause ?? "it was stopped");
      return;
    }
    if (stage === "invalid") {
      this.refuse(refusalFor.invalidResponse(this.api!.api, replica.backend.replica));
      return;
    }
    if (stage === "connecting") {
      this.connectionRefused(replica, error);
      return;
    }
    if (!this.mayTryAgain(stage, wasReused)) {
      this.awaitCause(replica);
      return;
    }
    this.wasSentTwice = true;
    this.wait();
  }

  replicaEnded(cause: string): void {
    this.refuse(refusalFor.replicaEnded(this.api!.api, this.replica!.backend.replica, cause));
  }

  refuse(refusal: Refusal): void {
    this.settleKeepAlive();
    this.answer.refuse(refusal);
    this.complete(refusal.status);
    this.owner.exchangeEnded(this.answer.keepsAlive);
  }

  private reset(head: RequestHead): void {
    this.phase = "reading";
    this.startedAt = performance.now();
    this.method = head.method;
    this.isHead = head.method === "HEAD";
    this.minor = head.minor;
    this.awaitsUpgrade = head.upgradesToWebSocket;
    this.requestId = head.requestId || this.around.nextRequestId();
    const { requestId, isHead, minor } = this;
    this.answer.reset({ requestId, isHead, minor, keepsAlive: head.keepsAlive });
    this.api = this.replica = this.split = undefined;
    this.wasSentTwice = false;
    this.refusedConnections = 0;
    if (head.isChunked) this.body.chunked();
    else if (head.contentLength > 0) this.body.length(head.contentLength);
    else this.body.none();
  }

  private route(head: RequestHead, target: string, bytes: Buffer, start: number, end: number): void {
    const { router } = this.around;
    const found = router.find(this.path);
    if (!found) {
      this.refuse(refusalFor.unknownPath(this.path, router.endpoints()));
      return;
    }
    const { traffic, split, prefixLine } = found.target;
    this.api = traffic;
    if (split && !this.followSplit(split)) return;
    const { requestId, owner } = this;
    const forwarded = { target: stripEndpoint(target, found.endpoint), peer: owner.peer, prefixLine, requestId };
    const text = forwardedHead(bytes, head, forwarded);
    this.outgoing.begin(text);
    if (end > start) this.hold(bytes, start, end);
    this.admitWhenReady(head);
    if (split && this.isOpen) this.copy(split, head, text, bytes, start, end);
  }

  private admitWhenReady(head: RequestHead): void {
    const comesSoon = head.contentLength >= 0 && head.contentLength <= readAheadBytes && !head.expectsContinue;
    if (this.body.isDone || !comesSoon) this.admit();
  }

  /** @returns false when the API whose turn it is does not exist: the request is answered then */
  private followSplit(split: Split): boolean {
    const target = split.nextTarget();
    this.split = split;
    split.underWay++;
    this.api = split.trafficOf(target);
    if (this.api) return true;
    this.refuse(refusalFor.targetMissing(split.splitter, target));
    return false;
  }

  /** Begins a copy for the splitter's shadow, if it gets one of this request; WebSockets have none. */
  private copy(split: Split, head: RequestHead, text: string, bytes: Buffer, start: number, end: number): void {
    const shadow = head.upgradesToWebSocket ? undefined : split.nextShadow();
    if (!shadow) return;
    const { method, path, requestId, around } = this;
    const request = { splitter: split.splitter, head: text, method, path, requestId };
    this.mirror = around.mirrors.begin(shadow, request, head.contentLength, this.startedAt);
    if (this.mirror) this.copyOn(bytes, start, end);
    else split.notCopied++;
  }

  private copyOn(bytes: Buffer, start: number, end: number): void {
    const mirror = this.mirror!;
    const isCopied = end === start || this.around.mirrors.add(mirror, bytes, start, end);
    if (isCopied && !this.body.isDone) return;
    this.mirror = undefined;
    if (!isCopied) this.split!.notCopied++;
    else {
      this.split!.copied++;
      mirror.send(performance.now());
    }
  }

  private admit(): void {
    this.phase = "waiting";
    this.api!.admit(this, this.startedAt);
  }

  /** For a request that was sent but that no replica read. */
  private wait(): void {
    this.phase = "waiting";
    this.api!.admitAgain(this);
  }

  private sendOn(bytes: Buffer, start: number, end: number): void {
    if (!this.upstream!.wire.forward(this.owner.wire, bytes, start, end)) this.owner.wire.pause();
  }

  /** Keeps a part of the body until there is a replica. */
  private hold(bytes: Buffer, start: number, end: number): void {
    this.outgoing.add(bytes, start, end);
    if (this.outgoing.isFull && !this.body.isDone) this.owner.wire.pause();
  }

  /** Lets the replica send no faster than the client reads. */
  private pace(mayGoOn: boolean, body: BodyFollower): void {
    if (mayGoOn || body.isDone) return;
    this.lastProgress = this.around.now;
    this.upstream!.wire.pause();
  }

  /** Whether no replica can have begun with the request: it went out in one piece and was not read. */
  private mayTryAgain(stage: Loss["stage"], wasReused: boolean): boolean {
    if (this.wasSentTwice || !this.canBeSentTwice) return false;
    if (stage === "unread") return true;
    // The replica may have closed an idle connection before it saw the request: where repeating does no harm, that is enough.
    const isRepeatable = this.method === "GET" || this.isHead || this.method === "OPTIONS";
    return wasReused && isRepeatable && this.replica!.endCause === undefined;
  }

  private connectionRefused(replica: ReplicaLoad, error: NodeJS.ErrnoException | undefined): void {
    this.api!.suspend(replica);
    if (++this.refusedConnections <= mostRefusals) {
      this.wait();
      return;
    }
    const cause = error?.code ?? "closed";
    this.refuse(refusalFor.unreachable(this.api!.api, replica.backend.replica, cause));
  }

  /** Why a replica ended is often known only a moment later. */
  private awaitCause(replica: ReplicaLoad): void {
    if (replica.endCause !== undefined) {
      this.replicaEnded(replica.endCause);
      return;
    }
    this.phase = "lost";
    replica.lost.add(this);
    const unknown = "it closed the connection before it had answered";
    this.causeTimer = setTimeout(() => this.replicaEnded(unknown), this.around.limits.causeGraceMs);
  }

  private cutAnswer(): void {
    this.complete(502);
    this.owner.wire.cut();
  }

  /** A body that is malformed: the replica must not take what it has for complete. */
  private breakOff(): void {
    this.giveUp(refusalOf(fault.chunk));
  }

  private giveUp(refusal: Refusal): void {
    this.letGo();
    this.answer.keepsAlive = false;
    if (!this.answer.hasBegun) {
      this.refuse(refusal);
      return;
    }
    this.complete(refusal.status);
    this.owner.wire.cut();
  }

  /** Leaves the line or the replica. */
  private letGo(): void {
    this.api?.withdraw(this);
    const { upstream } = this;
    this.upstream = undefined;
    upstream?.abort();
    this.release(0);
  }

  /** @param inFlight 0 when the request says nothing of the replica's speed */
  private release(inFlight: number): void {
    if (!this.holdsReplica) return;
    this.holdsReplica = false;
    this.api!.release(this.replica!, performance.now() - this.sentAt, inFlight);
  }

  private closeTunnel(): void {
    const { upstream } = this;
    this.upstream = undefined;
    upstream?.endTunnel();
    this.release(0);
    this.complete(101);
    this.owner.exchangeEnded(false);
  }

  private complete(status: number): void {
    const { method, path, requestId, bytesIn, replica, api, split, around } = this;
    const { bytesOut } = this.answer;
    this.phase = "idle";
    this.outgoing.clear();
    if (this.mirror) {
      this.mirror.drop();
      this.mirror = undefined;
    }
    if (this.causeTimer) {
      clearTimeout(this.causeTimer);
      this.causeTimer = undefined;
      replica?.lost.delete(this);
    }
    const now = performance.now();
    const ms = now - this.startedAt;
    if (api || !split) (api?.meter ?? around.strays).record(now, status, ms, bytesIn, bytesOut);
    if (split) {
      split.underWay--;
      split.meter.record(now, status, ms, bytesIn, bytesOut);
    }
    around.onAccess({
      time: Math.round(Date.now() - ms),
      api: api?.api ?? split?.splitter ?? "",
      splitter: split?.splitter ?? "",
      isCopy: false,
      revision: replica?.backend.revision ?? 0,
      replica: replica?.backend.replica ?? "",
      method,
      path,
      status,
      ms,
      requestId,
      bytesIn,
      bytesOut,
    });
  }

  /** A connection that is to end, or whose request has not come to its end, takes no further request. */
  private settleKeepAlive(): void {
    if (this.around.isClosing || !this.body.isDone) this.answer.keepsAlive = false;
  }

  /** Neither counted nor logged: scrapes are no traffic. */
  private answerMetrics(): void {
    this.settleKeepAlive();
    this.answer.sendText("text/plain; version=0.0.4; charset=utf-8", this.around.renderMetrics());
    this.phase = "idle";
    this.owner.exchangeEnded(this.answer.keepsAlive);
  }
}
