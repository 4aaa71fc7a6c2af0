import type { Socket } from "node:net";
import { Exchange, type ExchangeOwner } from "./exchange.ts";
import { type Refusal, refusalOf, tooSlow } from "./faults.ts";
import { refusalFor, refusalResponse } from "./replies.ts";
import { parseRequestHead, RequestHead } from "./request-head.ts";
import type { Surroundings } from "./surroundings.ts";
import { Wire, type WireOwner } from "./wire.ts";

/** How long a client has to read the last answer, and to stop sending, before its connection is closed for good. */
const lingerMs = 2_000;
/** How much of further requests is held while one is being answered. */
const pipelineBytes = 64 * 1024;

/** Parsed heads are used before the next one is parsed, so one serves all connections. */
const head = new RequestHead();

/** One connection of a client: reads requests off it, one after the other, in order. */
export class ClientConnection implements WireOwner, ExchangeOwner {
  readonly wire: Wire;
  readonly peer: string;
  private readonly around: Surroundings;
  private readonly exchange: Exchange;
  private readonly onClosed: (connection: ClientConnection) => void;
  /** A head that is not complete yet. */
  private partialHead: Buffer | undefined;
  /** What came after the request that is being answered. */
  private following: Buffer[] = [];
  private followingBytes = 0;
  private isConsuming = false;
  private isLingering = false;
  /** When the present state began that has a time limit: idle, a head, lingering. On the coarse clock. */
  private since: number;

  constructor(socket: Socket, around: Surroundings, onClosed: (connection: ClientConnection) => void) {
    this.around = around;
    this.onClosed = onClosed;
    this.since = around.now;
    this.wire = Wire.accept(socket, this, around.buffers);
    this.peer = this.wire.remoteAddress;
    this.exchange = new Exchange(this, around);
  }

  get isBusy(): boolean {
    return this.exchange.isOpen;
  }

  received(bytes: Buffer, start: number, end: number): void {
    if (this.isLingering) return;
    if (this.followingBytes > 0) {
      this.keep(bytes, start, end);
      return;
    }
    this.consume(bytes, start, end);
  }

  drained(): void {
    this.since = this.around.now;
    if (this.exchange.isOpen) this.exchange.drained();
    else this.consumeFollowing();
  }

  ended(): void {
    this.exchange.hungUp();
    this.linger();
    this.wire.close();
  }

  closed(): void {
    this.exchange.hungUp();
    this.onClosed(this);
  }

  exchangeEnded(keepsAlive: boolean): void {
    this.wire.rest();
    if (!keepsAlive) {
      this.linger();
      return;
    }
    this.since = this.around.now;
    this.wire.resume();
    this.consumeFollowing();
  }

  /** Turns the connection away. */
  refuse(refusal: Refusal): void {
    const options = { requestId: this.around.nextRequestId(), isHead: false, closes: true, minor: 1 };
    this.wire.send(refusalResponse(refusal, options));
    this.linger();
  }

  refuseSurplus(): void {
    this.refuse(refusalFor.tooManyConnections());
  }

  /** Looks at the time limits. */
  sweep(now: number): void {
    const { limits, isClosing } = this.around;
    if (this.exchange.isOpen) {
      this.exchange.sweep(now);
      return;
    }
    const age = now - this.since;
    if (this.isLingering) {
      if (age > (this.wire.isFlushed ? lingerMs : limits.stallMs)) this.wire.destroy();
    } else if (this.partialHead) {
      if (age > limits.headTimeoutMs) this.refuse(tooSlow);
    } else if (age > (isClosing ? limits.idleGraceMs : limits.keepAliveMs)) this.linger();
  }

  destroy(): void {
    this.wire.cut();
  }

  private consume(bytes: Buffer, start: number, end: number): void {
    this.isConsuming = true;
    let at = start;
    while (at < end && !this.isLingering) {
      if (!this.exchange.isOpen) {
        // Who does not read answers gets no more of them.
        if (this.wire.needsDrain) break;
        at = this.readHead(bytes, at, end);
      } else if (this.exchange.takesMore) at = this.exchange.take(bytes, at, end);
      else break;
    }
    this.isConsuming = false;
    if (at < end && !this.isLingering) this.keep(bytes, at, end);
  }

  /** @returns where the next request may begin */
  private readHead(received: Buffer, from: number, to: number): number {
    let bytes = received;
    let start = from;
    let end = to;
    if (this.partialHead) {
      bytes = Buffer.concat([this.partialHead, received.subarray(from, to)]);
      start = 0;
      end = bytes.length;
    }
    const next = parseRequestHead(bytes, start, end, head);
    if (next === 0) {
      if (!this.partialHead) this.since = this.around.now;
      this.partialHead = bytes === received ? Buffer.from(bytes.subarray(start, end)) : bytes;
      return to;
    }
    this.partialHead = undefined;
    if (next < 0) {
      this.refuse(refusalOf(next));
      return to;
    }
    return to - (end - this.exchange.begin(head, bytes, next, end));
  }

  private keep(bytes: Buffer, start: number, end: number): void {
    this.following.push(Buffer.from(bytes.subarray(start, end)));
    this.followingBytes += end - start;
    if (this.followingBytes > pipelineBytes) this.wire.pause();
  }

  private consumeFollowing(): void {
    if (this.followingBytes === 0 || this.isConsuming) return;
    const bytes = Buffer.concat(this.following);
    this.following = [];
    this.followingBytes = 0;
    this.consume(bytes, 0, bytes.length);
    if (this.followingBytes <= pipelineBytes && !this.exchange.isOpen) this.wire.resume();
  }

  /** Ends the connection in a way that lets the client read its answer even while it is still sending. */
  private linger(): void {
    if (this.isLingering) return;
    this.isLingering = true;
    this.since = this.around.now;
    this.following = [];
    this.followingBytes = 0;
    this.wire.end();
    this.wire.resume();
  }
}
