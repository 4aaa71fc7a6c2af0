import { connect, type NetConnectOpts, Socket } from "node:net";
import type { ReadBuffers } from "./read-buffers.ts";

/** Up to this size bytes are copied (as a string, the quickest write that Node has); beyond, passed on as they are. */
export const copyLimitBytes = 16 * 1024;

/** Who a wire belongs to and tells what happens on it. */
export interface WireOwner {
  /** Bytes arrived. They are valid during the call only. */
  received(bytes: Buffer, start: number, end: number): void;
  /** What `send` or `forward` said must wait may go on. */
  drained(): void;
  /** The peer sends nothing more. */
  ended(): void;
  /** The last event; `error` when the connection broke. */
  closed(error: NodeJS.ErrnoException | undefined): void;
  /** A connection that was opened from here is there. */
  opened?(): void;
}

/** What is not public in Node's sockets but stable since 2012. */
interface WithHandle {
  _handle: object | null;
}

/**
 * One connection, as both sides of the gateway use it: bytes in without allocation, bytes out in single writes.
 * Windows reads ahead into a buffer while others are in use, so there each read gets its own, by Node's usual way.
 */
export class Wire {
  private readonly socket: Socket;
  private readonly owner: WireOwner;
  private readonly buffers: ReadBuffers;
  /** The buffer that the next read fills; undefined when each read brings its own. */
  private buffer: Buffer | undefined;
  private wantsBulk = false;
  isPaused = false;
  private error: NodeJS.ErrnoException | undefined;
  /** Buffers that writes to this wire hold, oldest first; undefined for a write that held none. */
  private readonly lent: (Buffer | undefined)[] = [];
  private readonly onBulkWritten = (): void => {
    const buffer = this.lent.shift();
    if (buffer) this.buffers.giveBack(buffer);
  };

  /** Takes over a connection that a server accepted. */
  static accept(socket: Socket, owner: WireOwner, buffers: ReadBuffers): Wire {
    const { _handle: handle } = socket as unknown as WithHandle;
    if (!readsIntoGivenBuffers || !handle) return new Wire(() => socket, owner, buffers, false);
    // A server's sockets cannot be told where to read to, so the connection is moved into one that can.
    (socket as unknown as WithHandle)._handle = null;
    socket.destroy();
    return new Wire((onread) => new Socket({ handle, allowHalfOpen: true, onread } as object), owner, buffers, true);
  }

  static connect(
    address: { readonly path: string } | { readonly port: number },
    owner: WireOwner,
    buffers: ReadBuffers,
  ): Wire {
    const target = "path" in address ? address : { host: "127.0.0.1", port: address.port };
    const open = (onread: object | undefined): Socket =>
      connect({ ...target, allowHalfOpen: true, ...(onread && { onread }) } as NetConnectOpts);
    const wire = new Wire(open, owner, buffers, readsIntoGivenBuffers);
    wire.socket.once("connect", () => owner.opened?.());
    return wire;
  }

  private constructor(
    open: (onread: object | undefined) => Socket,
    owner: WireOwner,
    buffers: ReadBuffers,
    givesBuffers: boolean,
  ) {
    this.owner = owner;
    this.buffers = buffers;
    this.buffer = givesBuffers ? buffers.shared : undefined;
    const callback = (count: number, bytes: Buffer): boolean => {
      this.owner.received(bytes, 0, count);
      return true;
    };
    this.socket = open(givesBuffers ? { buffer: () => this.nextBuffer(), callback } : undefined);
    this.socket.setNoDelay(true);
    this.listen(givesBuffers);
  }

  get remoteAddress(): string {
    return this.socket.remoteAddress ?? "127.0.0.1";
  }

  /** Whether written bytes wait for the peer to read. */
  get needsDrain(): boolean {
    return this.socket.writableNeedDrain;
  }

  /** Whether the system has taken all that was written. */
  get isFlushed(): boolean {
    return this.socket.writableLength === 0;
  }

  /** Sends Latin-1 text. @returns false when the peer reads too slowly: then wait for `drained` */
  send(text: string): boolean {
    return this.socket.write(text, "latin1");
  }

  /** Sends bytes that nobody changes any more. @returns as `send` */
  sendBytes(bytes: Uint8Array): boolean {
    return this.socket.write(bytes);
  }

  /** Sends bytes that `source` just received, copying only what it must. @returns as `send` */
  forward(source: Wire, bytes: Buffer, start: number, end: number): boolean {
    if (end - start <= copyLimitBytes) return this.socket.write(bytes.toString("latin1", start, end), "latin1");
    if (source.buffer === undefined) return this.socket.write(bytes.subarray(start, end));
    source.wantsBulk = true;
    if (bytes !== source.buffer || bytes === source.buffers.shared) {
      return this.socket.write(Buffer.from(bytes.subarray(start, end)));
    }
    const index = this.lent.push(undefined) - 1;
    const mayGoOn = this.socket.write(bytes.subarray(start, end), this.onBulkWritten);
    if (this.socket.writableLength > 0) {
      this.lent[index] = bytes;
      source.buffer = source.buffers.take();
    }
    return mayGoOn;
  }

  /** Writes between `cork` and `uncork` leave together. */
  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  /** A message has ended: the next may be small, so memory of its own is not kept for it. */
  rest(): void {
    this.wantsBulk = false;
  }

  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket.resume();
  }

  /** Sends what is written, then says that nothing more will come; goes on receiving. */
  end(): void {
    this.socket.end();
  }

  /** Closes as soon as everything written is sent. */
  close(): void {
    this.socket.destroySoon();
  }

  /** Closes at once. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Closes so that the peer takes what it has for cut off, not for complete. */
  cut(): void {
    if (this.socket.destroyed) return;
    this.socket.resetAndDestroy();
  }

  private listen(givesBuffers: boolean): void {
    const { socket, owner } = this;
    if (!givesBuffers) socket.on("data", (bytes: Buffer) => owner.received(bytes, 0, bytes.length));
    socket.on("drain", () => owner.drained());
    socket.on("end", () => owner.ended());
    socket.on("error", (error) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.dropBuffer();
      owner.closed(this.error);
    });
    socket.resume();
  }

  /** Asked by the socket after each read. */
  private nextBuffer(): Buffer {
    if (this.buffer === undefined || this.buffer === this.buffers.shared) {
      this.buffer = this.wantsBulk ? this.buffers.take() : this.buffers.shared;
    } else if (!this.wantsBulk) {
      this.dropBuffer();
      this.buffer = this.buffers.shared;
    }
    return this.buffer;
  }

  private dropBuffer(): void {
    if (this.buffer && this.buffer !== this.buffers.shared) this.buffers.giveBack(this.buffer);
    this.buffer = undefined;
  }
}

const readsIntoGivenBuffers: boolean = process.platform !== "win32";
