import type { ApiMetrics } from "../../../core/environment.ts";
import { LatencyWindow } from "./latency-window.ts";

/** Upper bounds of the histogram that Prometheus sees, in milliseconds. */
export const durationBoundsMs: readonly number[] = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
];

/** What one API's traffic adds up to. Nothing but numbers: cheap enough to keep for every request. */
export class Meter {
  readonly countsByStatus = new Map<number, number>();
  readonly durationCounts = new Float64Array(durationBoundsMs.length + 1);
  durationSumMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  private readonly window = new LatencyWindow();
  private readonly since: number;

  /** @param now milliseconds on the clock that `record` and `read` use */
  constructor(now: number) {
    this.since = now;
  }

  record(now: number, status: number, tookMs: number, bytesIn: number, bytesOut: number): void {
    this.countsByStatus.set(status, (this.countsByStatus.get(status) ?? 0) + 1);
    this.durationSumMs += tookMs;
    let bound = 0;
    while (bound < durationBoundsMs.length && tookMs > durationBoundsMs[bound]!) bound++;
    this.durationCounts[bound]!++;
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
    this.window.record(now, tookMs);
  }

  read(now: number): Omit<ApiMetrics, "inFlight" | "queueLength"> {
    const seconds = Math.min(60, Math.max(1, (now - this.since) / 1000));
    const p50Ms = this.window.quantileMs(now, 0.5);
    const p99Ms = this.window.quantileMs(now, 0.99);
    return {
      requestsPerSecond: this.window.count(now) / seconds,
      ...(p50Ms !== undefined && { p50Ms }),
      ...(p99Ms !== undefined && { p99Ms }),
      status2xx: this.countOf(2),
      status4xx: this.countOf(4),
      status5xx: this.countOf(5),
    };
  }

  private countOf(statusClass: number): number {
    let count = 0;
    for (const [status, of] of this.countsByStatus) if (Math.floor(status / 100) === statusClass) count += of;
    return count;
  }
}
