import { Mirror, type MirrorEnd, type Mirrored } from "./mirror.ts";
import type { ApiTraffic } from "./traffic.ts";
import type { AccessLine, GatewayLimits } from "./types.ts";

/** All copies of requests that are being made or answered, and how much they may take. */
export class Mirrors {
  private readonly limits: GatewayLimits;
  private readonly onAccess: (line: AccessLine) => void;
  /** With the time at which it ends in any case. */
  private readonly all = new Map<Mirror, number>();
  private heldBytes = 0;

  constructor(limits: GatewayLimits, onAccess: (line: AccessLine) => void) {
    this.limits = limits;
    this.onAccess = onAccess;
  }

  /**
   * @param contentLength of the request's body, -1 when it is not known before
   * @param now on the clock of `performance.now()`
   * @returns undefined when there is no room for another copy, or the body is known to be too large for one
   */
  begin(api: ApiTraffic, request: Mirrored, contentLength: number, now: number): Mirror | undefined {
    if (contentLength > this.limits.maxMirrorBytes || this.all.size >= this.limits.maxMirrors) return undefined;
    const mirror = new Mirror(api, request, this.onEnd);
    this.all.set(mirror, now + this.limits.maxMirrorMs);
    return mirror;
  }

  /** Takes a part of the body. @returns false when that is more than is copied: `mirror` is dropped then */
  add(mirror: Mirror, bytes: Buffer, start: number, end: number): boolean {
    const size = end - start;
    const { maxMirrorBytes, maxMirrorBytesHeld } = this.limits;
    if (mirror.bytesIn + size > maxMirrorBytes || this.heldBytes + size > maxMirrorBytesHeld) {
      mirror.drop();
      return false;
    }
    mirror.add(bytes, start, end);
    this.heldBytes += size;
    return true;
  }

  sweep(now: number): void {
    for (const [mirror, endsAt] of this.all) if (now > endsAt) mirror.drop();
  }

  close(): void {
    for (const mirror of [...this.all.keys()]) mirror.drop();
  }

  private readonly onEnd = (mirror: Mirror, { status, replica, startedAt, bytesIn, bytesOut }: MirrorEnd): void => {
    this.all.delete(mirror);
    this.heldBytes -= bytesIn;
    if (startedAt === 0) return;
    const now = performance.now();
    const ms = now - startedAt;
    const { splitter, method, path, requestId } = mirror.request;
    mirror.api.meter.record(now, status, ms, bytesIn, bytesOut);
    this.onAccess({
      time: Math.round(Date.now() - ms),
      api: mirror.api.api,
      splitter,
      isCopy: true,
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
  };
}
