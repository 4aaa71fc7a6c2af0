import type { BodyFollower } from "./body-follower.ts";
import type { Refusal } from "./faults.ts";
import { refusalResponse, textResponse } from "./replies.ts";
import { cutEncoding, type ResponseHead, returnedHead } from "./response-head.ts";
import { copyLimitBytes, type Wire } from "./wire.ts";

/** What of a request decides how its answer is written. */
export interface AnswerTo {
  readonly requestId: string;
  readonly isHead: boolean;
  readonly minor: number;
  /** Whether the client may send another request afterwards. */
  readonly keepsAlive: boolean;
}

/** The answer to one request as it goes to the client. Reused from request to request. */
export class Answer {
  status = 0;
  /** Whether the client has seen some of it. */
  hasBegun = false;
  keepsAlive = true;
  bytesOut = 0;
  private readonly wire: Wire;
  private requestId = "";
  private isHead = false;
  private minor = 1;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  reset({ requestId, isHead, minor, keepsAlive }: AnswerTo): void {
    this.requestId = requestId;
    this.isHead = isHead;
    this.minor = minor;
    this.keepsAlive = keepsAlive;
    this.hasBegun = false;
    this.status = this.bytesOut = 0;
  }

  interim(text: string): void {
    if (this.minor === 1) this.wire.send(text);
  }

  /**
   * Sends a replica's head and what came of the body with it, `bytes[start, end)`.
   * @returns false when the client reads too slowly
   */
  begin(head: ResponseHead, body: BodyFollower, source: Wire, bytes: Buffer, start: number, end: number): boolean {
    this.status = head.status;
    this.hasBegun = true;
    this.bytesOut = end - start;
    const losesFraming = this.minor === 0 && head.isChunked;
    if (losesFraming) cutEncoding(head);
    if (losesFraming || body.endsWithConnection) this.keepsAlive = false;
    const text = returnedHead(bytes, head, this.addedLines(head.hasRequestId));
    if (body.content) return this.sendContent(text, body.content, bytes);
    if (end - start <= copyLimitBytes) {
      return this.wire.send(end > start ? text + bytes.toString("latin1", start, end) : text);
    }
    this.wire.cork();
    this.wire.send(text);
    this.wire.forward(source, bytes, start, end);
    this.wire.uncork();
    return !this.wire.needsDrain;
  }

  /** Sends more of the body. @returns false when the client reads too slowly */
  goOn(body: BodyFollower, source: Wire, bytes: Buffer, start: number, end: number): boolean {
    this.bytesOut += end - start;
    if (body.content) return this.sendContent("", body.content, bytes);
    return end === start || this.wire.forward(source, bytes, start, end);
  }

  /** Sends a replica's 101. */
  upgrade(head: ResponseHead, bytes: Buffer): void {
    this.status = 101;
    this.hasBegun = true;
    this.keepsAlive = false;
    const id = head.hasRequestId ? "" : this.idLine;
    this.wire.send(returnedHead(bytes, head, `${id}connection: upgrade\r\nupgrade: websocket\r\n`));
  }

  /** Sends an answer of the gateway's own. */
  refuse(refusal: Refusal): void {
    this.status = refusal.status;
    this.wire.send(refusalResponse(refusal, this.replyOptions));
  }

  sendText(contentType: string, text: string): void {
    this.wire.send(textResponse(contentType, text, this.replyOptions));
  }

  private get replyOptions() {
    const { requestId, isHead, minor, keepsAlive } = this;
    return { requestId, isHead, minor, closes: !keepsAlive };
  }

  private get idLine(): string {
    return `x-request-id: ${this.requestId}\r\n`;
  }

  private addedLines(hasRequestId: boolean): string {
    const id = hasRequestId ? "" : this.idLine;
    if (!this.keepsAlive) return `${id}connection: close\r\n`;
    return this.minor === 0 ? `${id}connection: keep-alive\r\n` : id;
  }

  /** Sends the content of chunks without their framing. */
  private sendContent(text: string, content: readonly number[], bytes: Buffer): boolean {
    const parts: Uint8Array[] = [Buffer.from(text, "latin1")];
    for (let i = 0; i < content.length; i += 2) parts.push(bytes.subarray(content[i]!, content[i + 1]!));
    const all = Buffer.concat(parts);
    return all.length === 0 || this.wire.sendBytes(all);
  }
}
