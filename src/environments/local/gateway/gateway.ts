import type { Server, Socket } from "node:net";
import type { ApiMetrics } from "../../../core/environment.ts";
import { ClientConnection } from "./client-connection.ts";
import { listenOnLoopback, portOf, stopListening } from "./listeners.ts";
import { Meter } from "./meter.ts";
import { Mirrors } from "./mirrors.ts";
import { renderPrometheus } from "./prometheus.ts";
import { ReadBuffers } from "./read-buffers.ts";
import { requestIds } from "./request-ids.ts";
import { Router } from "./router.ts";
import { Split } from "./split.ts";
import type { RouteTarget, Surroundings } from "./surroundings.ts";
import { ApiTraffic } from "./traffic.ts";
import {
  type Backend,
  defaultLimits,
  type Gateway,
  type GatewayLimits,
  type GatewayOptions,
  type RouteOptions,
  type Sample,
  type SplitOptions,
  type Unavailable,
} from "./types.ts";

/** Makes a gateway that does not listen yet; `close` frees all it holds. */
export function createGateway(options: GatewayOptions): Gateway {
  return new LocalGateway(options);
}

class LocalGateway implements Gateway, Surroundings {
  readonly limits: GatewayLimits;
  readonly router = new Router<RouteTarget>();
  readonly buffers = new ReadBuffers();
  readonly mirrors: Mirrors;
  readonly strays = new Meter(performance.now());
  readonly nextRequestId: () => string = requestIds();
  readonly onAccess: GatewayOptions["onAccess"];
  readonly onWaiting: GatewayOptions["onWaiting"];
  now: number = performance.now();
  isClosing = false;
  private servers: Server[] = [];
  private readonly connections = new Set<ClientConnection>();
  private readonly apis = new Map<string, ApiTraffic>();
  private readonly splits = new Map<string, Split>();
  /** Removed, but with requests in flight. */
  private readonly leaving = new Set<ApiTraffic>();
  private readonly sweeper: NodeJS.Timeout;
  private whenIdle: (() => void)[] = [];

  constructor({ onAccess, onWaiting, ...limits }: GatewayOptions) {
    this.limits = { ...defaultLimits, ...limits };
    this.onAccess = onAccess;
    this.onWaiting = onWaiting;
    this.mirrors = new Mirrors(this.limits, onAccess);
    this.sweeper = setInterval(() => this.sweep(), this.limits.sweepMs).unref();
  }

  get port(): number | undefined {
    const [server] = this.servers;
    return server?.listening ? portOf(server) : undefined;
  }

  async listen(port: number): Promise<void> {
    const opened = await listenOnLoopback(port, this.onConnection);
    const before = this.servers;
    this.servers = opened;
    this.isClosing = false;
    await stopListening(before);
  }

  listeners(): readonly Server[] {
    return this.servers;
  }

  adopt(server: Server): void {
    server.on("connection", this.onConnection);
    server.on("error", () => {});
    this.servers.push(server);
    this.isClosing = false;
  }

  async stopAccepting(): Promise<void> {
    this.isClosing = true;
    await stopListening(this.servers.splice(0));
  }

  setRoute(route: RouteOptions): void {
    let traffic = this.apis.get(route.api);
    if (traffic) {
      if (traffic.endpoint !== route.endpoint) this.unroute(traffic.endpoint, traffic);
      traffic.endpoint = route.endpoint;
      traffic.maxQueueLength = route.maxQueueLength;
    } else {
      traffic = new ApiTraffic(route, this);
      this.apis.set(route.api, traffic);
    }
    this.router.set(route.endpoint, { traffic, split: undefined, prefixLine: prefixLine(route.endpoint) });
  }

  setSplit(options: SplitOptions): void {
    let split = this.splits.get(options.splitter);
    if (split) {
      if (split.endpoint !== options.endpoint) this.unroute(split.endpoint, split);
      split.change(options);
    } else {
      split = new Split(options, this.apis);
      this.splits.set(options.splitter, split);
    }
    this.router.set(options.endpoint, { traffic: undefined, split, prefixLine: prefixLine(options.endpoint) });
  }

  removeSplit(splitter: string): void {
    const split = this.splits.get(splitter);
    if (!split) return;
    this.splits.delete(splitter);
    this.unroute(split.endpoint, split);
  }

  async removeRoute(api: string): Promise<void> {
    const traffic = this.apis.get(api);
    if (!traffic) return;
    this.apis.delete(api);
    this.unroute(traffic.endpoint, traffic);
    this.leaving.add(traffic);
    await traffic.remove();
    this.leaving.delete(traffic);
  }

  addBackend(api: string, backend: Backend): void {
    this.apis.get(api)?.add(backend);
  }

  async drainBackend(api: string, id: string, signal: AbortSignal): Promise<void> {
    await Promise.all(this.named(api).map((traffic) => traffic.drain(id, signal)));
  }

  failBackend(api: string, id: string, cause: string): void {
    for (const traffic of this.named(api)) traffic.fail(id, cause);
  }

  setUnavailable(api: string, cause: Unavailable | undefined): void {
    this.apis.get(api)?.setUnavailable(cause);
  }

  inFlightOf(api: string, replica: string): number {
    return this.apis.get(api)?.inFlightOf(replica) ?? 0;
  }

  sample(api: string): Sample {
    return this.apis.get(api)?.sample ?? { inFlight: 0, queueLength: 0 };
  }

  metrics(name: string): ApiMetrics {
    const now = performance.now();
    const split = this.splits.get(name);
    if (split) return { ...split.meter.read(now), inFlight: split.underWay, queueLength: 0 };
    const meter = this.apis.get(name)?.meter ?? new Meter(now);
    return { ...meter.read(now), ...this.sample(name) };
  }

  renderMetrics(): string {
    const served = [...this.apis.values()].map(({ api, meter, sample, replicasReady }) => {
      return { api, meter, replicasReady, ...sample };
    });
    const strays = { api: "", meter: this.strays, replicasReady: 0, inFlight: 0, queueLength: 0 };
    return renderPrometheus([...served, strays], [...this.splits.values()]);
  }

  async close(signal: AbortSignal): Promise<void> {
    await this.stopAccepting();
    await this.untilIdle(signal);
    clearInterval(this.sweeper);
    const closed = this.connections.size > 0 ? new Promise<void>((resolve) => this.whenIdle.push(resolve)) : undefined;
    for (const connection of [...this.connections]) connection.destroy();
    this.mirrors.close();
    for (const traffic of this.apis.values()) traffic.close();
    await closed;
  }

  private readonly onConnection = (socket: Socket): void => {
    const connection = new ClientConnection(socket, this, this.onClosed);
    this.connections.add(connection);
    if (this.connections.size > this.limits.maxConnections) connection.refuseSurplus();
  };

  private readonly onClosed = (connection: ClientConnection): void => {
    this.connections.delete(connection);
    if (this.connections.size === 0) for (const done of this.whenIdle.splice(0)) done();
  };

  /** Resolves when every connection is closed, as each is after its answer once nothing is accepted, or `signal` aborts. */
  private async untilIdle(signal: AbortSignal): Promise<void> {
    if (this.connections.size === 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.whenIdle.push(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  private sweep(): void {
    this.buffers.trim();
    this.now = performance.now();
    for (const connection of this.connections) connection.sweep(this.now);
    for (const traffic of this.apis.values()) traffic.sweep(this.now);
    this.mirrors.sweep(this.now);
  }

  /** The API of that name, and removed ones of the same name that still have requests in flight. */
  private named(api: string): ApiTraffic[] {
    const present = this.apis.get(api);
    return [...(present ? [present] : []), ...[...this.leaving].filter((one) => one.api === api)];
  }

  private unroute(endpoint: string, owner: ApiTraffic | Split): void {
    const target = this.router.get(endpoint);
    // Another one may have taken the endpoint meanwhile.
    if ((target?.traffic ?? target?.split) === owner) this.router.delete(endpoint);
  }
}

const prefixLine = (endpoint: string): string => (endpoint === "/" ? "" : `x-forwarded-prefix: ${endpoint}\r\n`);
