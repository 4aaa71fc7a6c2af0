import type { Meter } from "./meter.ts";
import type { Mirrors } from "./mirrors.ts";
import type { ReadBuffers } from "./read-buffers.ts";
import type { Router } from "./router.ts";
import type { Split } from "./split.ts";
import type { ApiTraffic } from "./traffic.ts";
import type { AccessLine, GatewayLimits } from "./types.ts";

/** An API as requests find it, or a splitter that says for each request which. */
export interface RouteTarget {
  /** Undefined for a splitter. */
  readonly traffic: ApiTraffic | undefined;
  readonly split: Split | undefined;
  /** The `x-forwarded-prefix` header with its line end. */
  readonly prefixLine: string;
}

/** What all connections of a gateway share. */
export interface Surroundings {
  readonly limits: GatewayLimits;
  readonly router: Router<RouteTarget>;
  readonly buffers: ReadBuffers;
  readonly mirrors: Mirrors;
  /** Requests that no API got. */
  readonly strays: Meter;
  /** The clock of `performance.now()`, as of the last sweep: good enough for time limits, and free. */
  readonly now: number;
  /** Whether connections are to end after their next answer. */
  readonly isClosing: boolean;
  nextRequestId(): string;
  renderMetrics(): string;
  onAccess(line: AccessLine): void;
}
