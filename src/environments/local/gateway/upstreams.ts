import type { ReadBuffers } from "./read-buffers.ts";
import type { Backend } from "./types.ts";
import { type UpstreamClient, UpstreamConnection } from "./upstream-connection.ts";

/** Connections idle for longer than this are not trusted with a request that could not be sent twice. */
const freshMs = 1_000;

/** The connections to one replica: at most one request each at a time, kept for the next. */
export class Upstreams {
  readonly address: Backend["address"];
  readonly buffers: ReadBuffers;
  private readonly idleMs: number;
  private readonly all = new Set<UpstreamConnection>();
  /** The one used last is last: it is taken first, so that the others can grow old. */
  private readonly idle: UpstreamConnection[] = [];
  private isClosed = false;

  constructor(address: Backend["address"], idleMs: number, buffers: ReadBuffers) {
    this.address = address;
    this.idleMs = idleMs;
    this.buffers = buffers;
  }

  /** @returns an idle connection, else a new one, which tells `client` when it is open */
  acquire(client: UpstreamClient, canBeSentTwice: boolean): UpstreamConnection {
    const last = this.idle.at(-1);
    if (last && (canBeSentTwice || performance.now() - last.idleSince < freshMs)) {
      this.idle.pop();
      last.serve(client);
      return last;
    }
    const made = new UpstreamConnection(this, client);
    this.all.add(made);
    return made;
  }

  /** A connection whose exchange is done and which may serve another. */
  keep(connection: UpstreamConnection): void {
    if (this.isClosed) {
      connection.abort();
      return;
    }
    connection.idleSince = performance.now();
    this.idle.push(connection);
  }

  forget(connection: UpstreamConnection): void {
    this.all.delete(connection);
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
  }

  /** Closes those that were idle for too long. */
  sweep(now: number): void {
    while (this.idle[0] && now - this.idle[0].idleSince > this.idleMs) this.idle[0].abort();
  }

  /** Breaks off what is being served. */
  cut(cause: string): void {
    for (const connection of [...this.all]) connection.cut(cause);
  }

  /** Closes the idle ones, and the others as they get idle. */
  close(): void {
    this.isClosed = true;
    for (const connection of [...this.idle]) connection.abort();
  }
}
