import { port } from "../names.ts";
import {
  cluster,
  type Json,
  type LocalReply,
  listener,
  localReplies,
  type Place,
  toCluster,
  typed,
  unlimited,
} from "./envoy.ts";

export interface ProxyOptions {
  readonly api: string;
  readonly namespace: string;
  /** Where the replica listens, on loopback; one for each of its processes. */
  readonly upstreamPorts: readonly number[];
  readonly maxConcurrency: number;
  readonly maxQueueLength: number;
  /** How long a connection to the replica may lie idle: shorter than the replica keeps it, or a request could meet its end. */
  readonly idleTimeoutS: number;
  /** A handler's own pages, reachable from outside below `/handler/<process>`; its health decides `/handler/healthz`. */
  readonly handlerAdminPorts: readonly number[];
  /** GET requests to make when the replica is drained, before a container is told to end, by the name that `drainPath` gets. */
  readonly preStop: readonly PreStopRequest[];
  /** At least so long a replica that is to end goes on taking requests: until every gateway has heard of it. */
  readonly lameDuckMs: number;
  /** Longest wait for requests in-flight then. */
  readonly drainMs: number;
}

export interface PreStopRequest {
  readonly name: string;
  readonly port: number;
  readonly path: string;
}

/** What kubelet asks the sidecar for when a container is to end. @param preStop a request of its own comes last */
export const drainPath = (preStop?: string): string => (preStop === undefined ? "/drain" : `/drain/${preStop}`);

/** Of requests, in milliseconds: as fine as quantiles of a fast model and of a slow one need. */
const buckets = [
  1, 2.5, 5, 10, 20, 35, 50, 75, 100, 150, 250, 400, 600, 1_000, 1_500, 2_500, 5_000, 10_000, 20_000, 40_000, 90_000,
  300_000,
];

const adminSocket = "/tmp/envoy-admin.sock";
const everywhere = "0.0.0.0";

/**
 * The whole configuration of the sidecar: a request passes
 *
 *   listener `api`     counts and measures it; at most max_concurrency + max_queue_length are let on, others are told 503
 *   listener `queue`   the waiting line, first come, first served: as many connections to the replica as max_concurrency
 *   listener `spread`  only with several processes: the one with the fewest requests
 *
 * The last two are inside this process. Two steps are what makes both limits exact: Envoy counts a request for which a connection
 * is being opened as waiting, so that one step would refuse too early, and with no queue everything. Exact with one worker thread.
 *
 * Statistics are cut down to what Cortex reads, see docs/kubernetes-metrics.md.
 */
export function proxyConfig(options: ProxyOptions): Json {
  const { api, namespace, upstreamPorts, maxConcurrency, maxQueueLength, handlerAdminPorts, preStop } = options;
  const replica = upstreamPorts.map((one): Place => ({ host: "127.0.0.1", port: one }));
  const isSpread = replica.length > 1;
  const toReplica = { places: replica, idleTimeoutS: options.idleTimeoutS };
  const limits = { connections: maxConcurrency };
  const requests = Math.min(unlimited, maxConcurrency + maxQueueLength);
  return {
    node: { id: api, cluster: namespace },
    admin: { address: { pipe: { path: adminSocket, mode: 0o600 } } },
    bootstrap_extensions: [
      { name: "internal_listener", typed_config: typed("bootstrap.internal_listener.v3.InternalListener") },
    ],
    stats_config: statistics(api, namespace),
    static_resources: {
      listeners: [
        apiListener(options),
        innerListener("queue", "replica", isSpread ? [ended(api)] : upstreamFaults(api)),
        ...(isSpread ? [innerListener("spread", "processes", upstreamFaults(api))] : []),
        adminListener(options),
        pauseListener,
      ],
      clusters: [
        cluster({ name: "queue", places: [{ inner: "queue" }], limits: { requests } }),
        isSpread
          ? cluster({ name: "replica", places: [{ inner: "spread" }], limits })
          : cluster({ name: "replica", ...toReplica, limits }),
        ...(isSpread ? [cluster({ name: "processes", ...toReplica, limits: {} })] : []),
        cluster({ name: "admin", places: [{ path: adminSocket }] }),
        cluster({ name: "pause", places: [{ inner: "pause" }] }),
        ...handlerAdminPorts.map((one, index) => adminCluster(`handler-${index}`, one)),
        ...preStop.map((one) => adminCluster(`pre-stop-${one.name}`, one.port)),
      ],
    },
  };
}

const adminCluster = (name: string, at: number): Json =>
  cluster({ name, places: [{ host: "127.0.0.1", port: at }], idleTimeoutS: 1 });

function apiListener({ api, maxQueueLength }: ProxyOptions): Json {
  const error = `pending request queue full: ${maxQueueLength} requests to ${api} wait already (max_queue_length)`;
  return listener({
    name: "api",
    place: { host: everywhere, port: port.proxy },
    http: {
      preserve_external_request_id: true,
      always_set_request_id_in_response: true,
      local_reply_config: localReplies([
        { flags: ["UO"], status: 503, body: { error, code: "queue_full", api }, retryAfterS: 1 },
        ended(api),
      ]),
    },
    routes: [toCluster("queue")],
  });
}

const inner = { generate_request_id: false } as const;

const innerListener = (name: string, to: string, faults: readonly LocalReply[]): Json =>
  listener({
    name,
    place: { inner: name },
    http: { ...inner, local_reply_config: localReplies(faults) },
    routes: [toCluster(to)],
  });

const ended = (api: string): LocalReply => ({
  flags: ["UC", "UR", "LR"],
  status: 502,
  body: { error: "replica ended: the connection was closed before the answer came", code: "replica_ended", api },
});

const upstreamFaults = (api: string): readonly LocalReply[] => [
  ended(api),
  {
    flags: ["UF", "UH"],
    status: 503,
    body: { error: "no healthy upstream: the replica does not accept connections", code: "replica_unreachable", api },
    retryAfterS: 1,
  },
  {
    flags: ["UPE"],
    status: 502,
    body: { error: "the replica's answer is not valid HTTP", code: "invalid_response", api },
  },
];

/** What kubelet and Prometheus may see. Envoy's own administration listens where only Envoy's container can reach it. */
function adminListener(options: ProxyOptions): Json {
  const { handlerAdminPorts } = options;
  const page = (path: string) => ({ match: { path }, route: { cluster: "admin", timeout: "10s" } });
  const nothing = { match: { prefix: "/" }, direct_response: { status: 404, body: { inline_string: "not found\n" } } };
  return listener({
    name: "admin",
    place: { host: everywhere, port: port.proxyAdmin },
    http: { generate_request_id: false },
    filters: [
      {
        name: "drain",
        typed_config: typed("filters.http.lua.v3.Lua", {
          default_source_code: { inline_string: drainProgram(options) },
        }),
      },
    ],
    routes: [
      page("/ready"),
      page("/stats/prometheus"),
      ...(handlerAdminPorts.length > 0 ? [healthRoute] : []),
      ...handlerAdminPorts.map((_, index) => ({
        match: { path: `/handler/${index}/metrics` },
        route: { cluster: `handler-${index}`, prefix_rewrite: "/metrics", timeout: "10s" },
      })),
      nothing,
    ],
  });
}

/** Asked again and again while nobody listens, so that one probe waits until the handler has loaded, to the moment. */
const healthRoute = {
  match: { path: "/handler/healthz" },
  route: {
    cluster: "handler-0",
    prefix_rewrite: "/healthz",
    timeout: "0s",
    retry_policy: {
      retry_on: "connect-failure,5xx",
      num_retries: 1_000_000,
      retry_back_off: { base_interval: "0.05s", max_interval: "0.05s" },
    },
  },
} as const;

/** Answers after the time that a header gives. */
const pauseListener = listener({
  name: "pause",
  place: { inner: "pause" },
  http: inner,
  filters: [
    {
      name: "delay",
      typed_config: typed("filters.http.fault.v3.HTTPFault", {
        delay: { header_delay: {}, percentage: { numerator: 100 } },
      }),
    },
  ],
  routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
});

/**
 * Answers kubelet's pre-stop hooks, `drainPath`, when nothing is in-flight or waiting any more; until then all containers serve on.
 * From its first moment answers say `connection: close`, so that gateways which keep connections learn of the end as well.
 */
function drainProgram({ lameDuckMs, drainMs, preStop }: ProxyOptions): string {
  const hooks = preStop.map(
    ({ name, path }) =>
      `  if path == "${drainPath(name)}" then ask(handle, "pre-stop-${name}", "GET", ${luaText(path)}, 10000) end\n`,
  );
  return `local function ask(handle, cluster, method, path, timeout, delay)
  local headers = {[":method"] = method, [":path"] = path, [":authority"] = "localhost", ["x-envoy-fault-delay-request"] = delay}
  local _, body = handle:httpCall(cluster, headers, "", timeout)
  return body or ""
end
local function pause(handle, ms)
  ask(handle, "pause", "GET", "/", ms + 1000, tostring(ms))
end
local function in_flight(handle)
  local page = ask(handle, "admin", "GET", "/stats?filter=^http.api.downstream_rq_active$", 1000)
  return tonumber(page:match(": (%d+)")) or 0
end
function envoy_on_request(handle)
  local path = handle:headers():get(":path")
  if path:sub(1, 6) ~= "/drain" then return end
  ask(handle, "admin", "POST", "/healthcheck/fail", 1000)
  pause(handle, ${lameDuckMs})
  local waited = 0
  while waited < ${drainMs} and in_flight(handle) > 0 do
    pause(handle, 50)
    waited = waited + 50
  end
${hooks.join("")}  ask(handle, "admin", "POST", "/healthcheck/ok", 1000)
  handle:respond({[":status"] = "200"}, "drained\\n")
end
`;
}

const luaText = (text: string) => `"${text.replaceAll(/[^\w/?=&.-]/g, (one) => luaBytes(one))}"`;
const luaBytes = (text: string) =>
  [...new TextEncoder().encode(text)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("");

function statistics(api: string, namespace: string): Json {
  return {
    stats_tags: [
      { tag_name: "cortex_api", fixed_value: api },
      { tag_name: "cortex_namespace", fixed_value: namespace },
    ],
    stats_matcher: {
      inclusion_list: {
        patterns: [
          { exact: "http.api.downstream_rq_active" },
          { exact: "http.api.downstream_rq_time" },
          { safe_regex: { regex: "http\\.api\\.downstream_rq_[1-5]xx" } },
          { safe_regex: { regex: "cluster\\.replica\\.upstream_rq(_pending)?_active" } },
        ],
      },
    },
    histogram_bucket_settings: [{ match: { prefix: "http.api." }, buckets }],
  };
}
