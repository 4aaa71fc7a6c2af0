import type { UpstreamConnection } from "./upstream-connection.ts";
import { copyLimitBytes, type Wire } from "./wire.ts";

/** Bodies up to this size are read before a replica is taken, so that a slow sender occupies none; of larger ones as much is held. */
export const readAheadBytes: number = 64 * 1024;

/** What of a request is ready to be sent to a replica: its head, and what has come of its body. */
export class Outgoing {
  private text = "";
  private parts: Buffer[] = [];
  private bodyBytes = 0;

  get isFull(): boolean {
    return this.bodyBytes > readAheadBytes;
  }

  /** Whether `sendTo` would still send the request from its start, in one piece that a replica reads whole or not at all. */
  get isWhole(): boolean {
    return this.text !== "" && this.parts.length === 0;
  }

  begin(head: string): void {
    this.clear();
    this.text = head;
  }

  add(bytes: Buffer, start: number, end: number): void {
    const fits = this.parts.length === 0 && this.text.length + end - start <= copyLimitBytes;
    if (fits) this.text += bytes.toString("latin1", start, end);
    else this.parts.push(Buffer.from(bytes.subarray(start, end)));
    this.bodyBytes += end - start;
  }

  /** @param keeps whether it may have to be sent again */
  sendTo({ wire }: UpstreamConnection, keeps: boolean): void {
    if (this.parts.length === 0) wire.send(this.text);
    else this.sendParts(wire);
    if (!keeps) this.clear();
  }

  clear(): void {
    this.text = "";
    this.bodyBytes = 0;
    if (this.parts.length > 0) this.parts = [];
  }

  private sendParts(wire: Wire): void {
    wire.cork();
    wire.send(this.text);
    for (const part of this.parts) wire.sendBytes(part);
    wire.uncork();
  }
}
