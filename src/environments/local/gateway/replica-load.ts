import type { Refusal } from "./faults.ts";
import { nextServiceTimeMs, requestsAhead, stuckAfterMs } from "./service-time.ts";
import type { Backend } from "./types.ts";
import type { Upstreams } from "./upstreams.ts";
import type { Place } from "./waiting-line.ts";

/** A request that asks for a replica. */
export interface Ticket extends Place {
  /** When it began to wait, on the clock of `performance.now()`. */
  waitingSince: number;
  /** Send it to `replica`, which counts it as in flight already. */
  start(replica: ReplicaLoad): void;
  /** It gets none. */
  refuse(refusal: Refusal): void;
  /** The replica that had it is gone. */
  replicaEnded(cause: string): void;
}

/** What one replica holds now, and how fast it is. */
export class ReplicaLoad {
  readonly backend: Backend;
  readonly upstreams: Upstreams;
  inFlight = 0;
  /** Why its process ended, once it has. */
  endCause: string | undefined;
  /** Requests that were in it when it broke off and that wait to hear why. */
  readonly lost = new Set<Ticket>();
  /** Called once when nothing is in flight any more, after it was taken out of service. */
  readonly whenEmpty: (() => void)[] = [];
  private serviceTimeMs: number | undefined;
  private ahead = 0;
  /** When it last got busy or finished something. */
  private lastProgress = 0;
  private refusedTimes = 0;
  private isSuspended = false;

  constructor(backend: Backend, upstreams: Upstreams) {
    this.backend = backend;
    this.upstreams = upstreams;
  }

  accepts(now: number): boolean {
    if (this.isSuspended) return false;
    if (this.inFlight < this.backend.maxConcurrency) return true;
    return this.inFlight < this.backend.maxConcurrency + this.ahead && now - this.lastProgress <= stuckAfterMs;
  }

  begin(now: number): void {
    if (this.inFlight++ === 0) this.lastProgress = now;
  }

  /** @param held what was in flight when the request was sent; 0 when it was not answered and says nothing */
  finish(now: number, tookMs: number, held: number): void {
    this.inFlight--;
    this.lastProgress = now;
    if (held === 0) return;
    this.refusedTimes = 0;
    const { maxConcurrency, prefetch } = this.backend;
    this.serviceTimeMs = nextServiceTimeMs(this.serviceTimeMs, { tookMs, held, maxConcurrency });
    this.ahead = prefetch ? requestsAhead(this.serviceTimeMs) : 0;
  }

  /** It takes no connections: leaves it alone for a while, longer each time, then calls `again`. */
  suspend(again: () => void): void {
    if (this.isSuspended) return;
    this.isSuspended = true;
    setTimeout(
      () => {
        this.isSuspended = false;
        again();
      },
      Math.min(1_000, 50 * 2 ** this.refusedTimes++),
    ).unref();
  }
}
