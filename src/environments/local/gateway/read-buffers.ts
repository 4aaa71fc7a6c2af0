const sharedBytes = 64 * 1024;
const bulkBytes = 256 * 1024;
const mostSpare = 64;

/**
 * Memory that sockets read into. Small messages of all connections arrive in one shared buffer and are copied on; a
 * connection that carries much gets a buffer of its own, whose bytes are passed on without a copy and which comes back here.
 */
export class ReadBuffers {
  readonly shared: Buffer = Buffer.allocUnsafeSlow(sharedBytes);
  private readonly spare: Buffer[] = [];

  take(): Buffer {
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(bulkBytes);
  }

  giveBack(buffer: Buffer): void {
    if (this.spare.length < mostSpare) this.spare.push(buffer);
  }

  /** Frees a part of what nobody uses; called now and then, so that a burst is not paid for long after. */
  trim(): void {
    this.spare.splice(0, Math.ceil(this.spare.length / 4));
  }
}
