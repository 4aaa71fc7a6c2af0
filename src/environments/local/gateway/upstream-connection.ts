import { BodyFollower } from "./body-follower.ts";
import { parseResponseHead, ResponseHead } from "./response-head.ts";
import type { Upstreams } from "./upstreams.ts";
import { copyLimitBytes, Wire, type WireOwner } from "./wire.ts";

/**
 * How a connection to a replica was lost:
 * `connecting` never there; `unread` the replica read nothing of the request; `unanswered` it may have, but sent nothing;
 * `answering` in the middle of the response; `invalid` the response is not HTTP; `cut` broken off from here.
 */
export interface Loss {
  readonly stage: "connecting" | "unread" | "unanswered" | "answering" | "invalid" | "cut";
  /** Whether the connection had served before, and its peer may have closed it for being idle. */
  readonly wasReused: boolean;
  readonly error?: NodeJS.ErrnoException | undefined;
  /** Why it was cut. */
  readonly cause?: string;
}

/** The request that a connection serves. */
export interface UpstreamClient {
  readonly isHead: boolean;
  /** The client's HTTP/1 minor version: 0 knows no chunks. */
  readonly minor: number;
  readonly awaitsUpgrade: boolean;
  /** Whether the request was sent to its end. */
  readonly isSent: boolean;
  /** A connection that was not there when it was acquired is there now. */
  connected(): void;
  /** The replica takes more of the request's body. */
  upstreamDrained(): void;
  /** A 1xx response other than 101. */
  interim(text: string): void;
  /** The response's head, and what came of its body with it. */
  respond(head: ResponseHead, body: BodyFollower, bytes: Buffer, start: number, end: number): void;
  /** More of the response's body. */
  respondMore(body: BodyFollower, bytes: Buffer, start: number, end: number): void;
  /** The response is complete, and the connection serves others. */
  responded(): void;
  /** The replica agreed to speak another protocol: `head` is its 101. */
  upgraded(head: ResponseHead, bytes: Buffer): void;
  tunnelled(bytes: Buffer, start: number, end: number): void;
  tunnelEnded(): void;
  lost(loss: Loss): void;
}

/** Parsed heads are used before the next one is parsed, so one serves all connections. */
const head = new ResponseHead();

/** One connection to a replica: sends a request at a time and finds where each response ends. */
export class UpstreamConnection implements WireOwner {
  readonly wire: Wire;
  client: UpstreamClient | undefined;
  /** Whether the connection is there. */
  isOpen = false;
  /** On the clock of `performance.now()`. */
  idleSince = 0;
  private readonly upstreams: Upstreams;
  private readonly body = new BodyFollower();
  private partialHead: Buffer | undefined;
  private isReused = false;
  private isAnswering = false;
  private isTunnel = false;
  private keepsAlive = true;
  private responseBytes = 0;

  constructor(upstreams: Upstreams, client: UpstreamClient) {
    this.upstreams = upstreams;
    this.client = client;
    this.wire = Wire.connect(upstreams.address, this, upstreams.buffers);
  }

  /** Takes the next request. */
  serve(client: UpstreamClient): void {
    this.client = client;
    this.isReused = true;
    this.isAnswering = false;
    this.responseBytes = 0;
  }

  /** Closes the connection; its client hears nothing of it. */
  abort(): void {
    this.client = undefined;
    this.upstreams.forget(this);
    this.wire.destroy();
  }

  /** Breaks off what it serves, if anything. */
  cut(cause: string): void {
    const { client } = this;
    if (!client) return;
    this.abort();
    client.lost({ stage: "cut", wasReused: this.isReused, cause });
  }

  /** Sends what is on its way, then closes; its client hears nothing more. */
  endTunnel(): void {
    this.client = undefined;
    this.wire.close();
  }

  opened(): void {
    this.isOpen = true;
    this.client?.connected();
  }

  drained(): void {
    this.client?.upstreamDrained();
  }

  received(bytes: Buffer, start: number, end: number): void {
    const { client } = this;
    // Nobody asked: whatever it is, it must not become the answer to the next request.
    if (!client) {
      this.abort();
      return;
    }
    this.responseBytes += end - start;
    if (this.isTunnel) client.tunnelled(bytes, start, end);
    else if (this.isAnswering) this.receiveBody(client, bytes, start, end);
    else this.receiveHead(client, bytes, start, end);
  }

  ended(): void {
    if (!this.client) {
      this.abort();
      return;
    }
    if (this.isTunnel) {
      this.client.tunnelEnded();
      return;
    }
    if (this.isAnswering && this.body.endsWithConnection) {
      this.finish(this.client, false);
      return;
    }
    this.lose("unanswered", undefined);
  }

  closed(error: NodeJS.ErrnoException | undefined): void {
    if (!this.client) {
      this.upstreams.forget(this);
      return;
    }
    if (this.isTunnel) {
      this.client.tunnelEnded();
      return;
    }
    const isUnread = isUnreadError(error) && !this.partialHead;
    this.lose(this.isOpen ? (isUnread ? "unread" : "unanswered") : "connecting", error);
  }

  private receiveHead(client: UpstreamClient, received: Buffer, from: number, to: number): void {
    let bytes = received;
    let start = from;
    let end = to;
    if (this.partialHead) {
      bytes = Buffer.concat([this.partialHead, received.subarray(from, to)]);
      start = 0;
      end = bytes.length;
      this.partialHead = undefined;
    }
    for (;;) {
      const next = parseResponseHead(bytes, start, end, head);
      if (next < 0) {
        this.lose("invalid", undefined);
        return;
      }
      if (next === 0) {
        this.partialHead = Buffer.from(bytes.subarray(start, end));
        return;
      }
      if (head.status === 101) {
        this.upgrade(client, bytes, next, end);
        return;
      }
      if (head.status >= 200) {
        this.answer(client, bytes, next, end);
        return;
      }
      client.interim(bytes.toString("latin1", start, next));
      if (next === end) return;
      start = next;
    }
  }

  private answer(client: UpstreamClient, bytes: Buffer, start: number, end: number): void {
    const { body } = this;
    const hasNoBody = client.isHead || head.status === 204 || head.status === 304;
    if (hasNoBody) body.none();
    else if (head.isChunked) body.chunked();
    else if (head.contentLength >= 0) body.length(head.contentLength);
    else body.untilClose();
    if (client.minor === 0 && head.isChunked && !hasNoBody) body.content = [];
    const bodyEnd = body.advance(bytes, start, end);
    if (body.isMalformed) {
      this.lose("invalid", undefined);
      return;
    }
    this.isAnswering = true;
    this.keepsAlive = head.keepsAlive;
    client.respond(head, body, bytes, start, bodyEnd);
    if (body.isDone && this.client === client) this.finish(client, bodyEnd === end);
  }

  private receiveBody(client: UpstreamClient, bytes: Buffer, start: number, end: number): void {
    const { body } = this;
    const bodyEnd = body.advance(bytes, start, end);
    if (body.isMalformed) {
      this.lose("answering", undefined);
      return;
    }
    client.respondMore(body, bytes, start, bodyEnd);
    if (body.isDone && this.client === client) this.finish(client, bodyEnd === end);
  }

  /** @param isClean whether nothing followed the response */
  private finish(client: UpstreamClient, isClean: boolean): void {
    if (this.responseBytes <= copyLimitBytes) this.wire.rest();
    this.wire.resume();
    this.client = undefined;
    if (isClean && this.keepsAlive && client.isSent) this.upstreams.keep(this);
    else this.abort();
    client.responded();
  }

  private upgrade(client: UpstreamClient, bytes: Buffer, next: number, end: number): void {
    if (!client.awaitsUpgrade) {
      this.lose("invalid", undefined);
      return;
    }
    this.isTunnel = true;
    client.upgraded(head, bytes);
    if (next < end) client.tunnelled(bytes, next, end);
  }

  private lose(stage: Loss["stage"], error: NodeJS.ErrnoException | undefined): void {
    const { client, isReused } = this;
    this.abort();
    client?.lost({ stage: this.isAnswering ? "answering" : stage, wasReused: isReused, error });
  }
}

/**
 * Whether the peer closed with our bytes still unread: then the system resets the connection instead of ending it. Windows
 * resets also what was read by a process that was then ended, so there it proves nothing.
 */
function isUnreadError(error: NodeJS.ErrnoException | undefined): boolean {
  return process.platform !== "win32" && (error?.code === "EPIPE" || error?.code === "ECONNRESET");
}
