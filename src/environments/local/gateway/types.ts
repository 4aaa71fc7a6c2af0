import type { Server } from "node:net";
import type { ApiMetrics } from "../../../core/environment.ts";

export interface RouteOptions {
  readonly api: string;
  /** Path under the gateway, with a leading slash and no trailing one. */
  readonly endpoint: string;
  /** Most requests waiting, per replica, before the gateway answers 503. */
  readonly maxQueueLength: number;
}

/** A TrafficSplitter, which sends the requests to its endpoint on to APIs. */
export interface SplitOptions {
  readonly splitter: string;
  /** As that of an API. */
  readonly endpoint: string;
  /** Weights are whole percents and sum up to 100. */
  readonly targets: readonly { readonly api: string; readonly weight: number }[];
  /** Gets copies of so many percent of the requests. */
  readonly shadow?: { readonly api: string; readonly weight: number };
}

/** A replica that is ready. */
export interface Backend {
  /** Unique within its API; a restarted replica gets a new one. */
  readonly id: string;
  readonly replica: string;
  readonly revision: number;
  /** A unix socket, or a port on 127.0.0.1. */
  readonly address: { readonly path: string } | { readonly port: number };
  readonly maxConcurrency: number;
  /** Whether a few requests more than `maxConcurrency` may be sent ahead while the handler is quick. */
  readonly prefetch: boolean;
}

/** Why an API without replicas will not get one soon; requests are answered 503 with it instead of waiting. */
export interface Unavailable {
  readonly code: string;
  readonly message: string;
  readonly retryAfterS: number;
}

/** One request as it ended. A client that hung up before its answer was complete has status 499. */
export interface AccessLine {
  /** When the request's head had arrived, milliseconds since the epoch. */
  readonly time: number;
  /** Empty when the path belongs to no API. */
  readonly api: string;
  /** The TrafficSplitter that it came by; empty when it came to the API's own endpoint. */
  readonly splitter: string;
  /** Whether it is a copy whose answer nobody sees. */
  readonly isCopy: boolean;
  /** 0 when no replica was asked. */
  readonly revision: number;
  /** Empty when no replica was asked. */
  readonly replica: string;
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  readonly status: number;
  /** From the request's head to the last byte of the answer. */
  readonly ms: number;
  readonly requestId: string;
  /** Of the body, chunk framing included. */
  readonly bytesIn: number;
  /** Of the body, chunk framing included. */
  readonly bytesOut: number;
}

export interface Sample {
  /** Requests that replicas hold now. */
  readonly inFlight: number;
  /** Requests that wait in the gateway; autoscaling looks at the sum of both. */
  readonly queueLength: number;
}

/** Limits and times of a gateway; the defaults are for use, others for tests. */
export interface GatewayLimits {
  /** Longest that a request waits for a replica. */
  readonly maxHoldMs: number;
  /** Longest that a request's head, or a small body, may take to arrive. */
  readonly headTimeoutMs: number;
  /** How long an idle connection of a client is kept. */
  readonly keepAliveMs: number;
  /** Longest without any progress while a body is sent, in either direction. */
  readonly stallMs: number;
  /** How long an idle connection to a replica is kept; below the replica's own limit (uvicorn: 5 s), so that it never ends first. */
  readonly upstreamIdleMs: number;
  /** How long an idle connection lives on after the gateway stopped to accept. */
  readonly idleGraceMs: number;
  /** How long the answer of a lost request waits for the cause of its replica's end. */
  readonly causeGraceMs: number;
  /** How often time limits are looked at. */
  readonly sweepMs: number;
  readonly maxConnections: number;
  /** Largest body of a request that is copied. */
  readonly maxMirrorBytes: number;
  /** Most that the bodies of all copies may take. */
  readonly maxMirrorBytesHeld: number;
  /** Most copies at the same time. */
  readonly maxMirrors: number;
  /** A copy that is not answered by then is broken off. */
  readonly maxMirrorMs: number;
}

export const defaultLimits: GatewayLimits = {
  maxHoldMs: 20 * 60_000,
  headTimeoutMs: 60_000,
  keepAliveMs: 75_000,
  stallMs: 300_000,
  upstreamIdleMs: 4_000,
  idleGraceMs: 1_000,
  causeGraceMs: 250,
  sweepMs: 1_000,
  maxConnections: 4_096,
  maxMirrorBytes: 2 ** 20,
  maxMirrorBytesHeld: 64 * 2 ** 20,
  maxMirrors: 1_024,
  maxMirrorMs: 10 * 60_000,
};

export interface GatewayOptions extends Partial<GatewayLimits> {
  /** Called once per request when it has ended. */
  onAccess(line: AccessLine): void;
  /** A request waits and its API has no replica to send it to. */
  onWaiting(api: string): void;
}

/**
 * The one door to the APIs of this machine: `http://localhost:<port>/<endpoint>`, loopback only. Methods that name an API
 * without a route do nothing, so that owners need not order their calls.
 */
export interface Gateway {
  /**
   * Listens on the loopback addresses; when it listens already, the new port opens before the old one stops to accept.
   * Port 0 takes any free one. @throws CortexError PORT_TAKEN
   */
  listen(port: number): Promise<void>;
  readonly port: number | undefined;
  /** The listening sockets, to hand over to a newer agent. */
  listeners(): readonly Server[];
  /** Accepts connections of a listening socket that an older agent hands over. */
  adopt(server: Server): void;
  /**
   * Closes the listening sockets of this process. Connections stay: each answers its next request with `Connection: close`,
   * idle ones end after a short grace.
   */
  stopAccepting(): Promise<void>;
  setRoute(route: RouteOptions): void;
  /** New requests get 404 at once, waiting ones 503; resolves when those in flight are done. */
  removeRoute(api: string): Promise<void>;
  /** Splits the requests to an endpoint among APIs from the next request on. One that is not routed then is answered 503. */
  setSplit(split: SplitOptions): void;
  /** New requests get 404 at once; those under way end at their APIs. */
  removeSplit(splitter: string): void;
  addBackend(api: string, backend: Backend): void;
  /** Sends nothing more to it; resolves when its requests in flight are done, or, once `signal` aborts, cut. */
  drainBackend(api: string, id: string, signal: AbortSignal): Promise<void>;
  /** Its process is gone: what was in it is answered 502 with `cause`. */
  failBackend(api: string, id: string, cause: string): void;
  /** While set, requests that find no replica are answered 503 with it at once, those that wait too. */
  setUnavailable(api: string, cause: Unavailable | undefined): void;
  sample(api: string): Sample;
  /** Requests that one replica in service holds, over all its backends. */
  inFlightOf(api: string, replica: string): number;
  /** Of an API or a TrafficSplitter; what is in-flight by way of a splitter counts until it is answered. */
  metrics(name: string): ApiMetrics;
  /** Prometheus text format; also at `GET /metrics`. */
  renderMetrics(): string;
  /** Stops to accept, waits for what is in flight until `signal` aborts, then closes every connection. */
  close(signal: AbortSignal): Promise<void>;
}
