/** What Envoy's configuration is made of; see https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3 for each of its parts. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const extensions = "type.googleapis.com/envoy.extensions";
/** The most that Envoy's limits can be. */
export const unlimited = 4_294_967_295;

export const typed = (type: string, value: { readonly [key: string]: Json } = {}): Json => ({
  "@type": `${extensions}.${type}`,
  ...value,
});

/** Where something listens: a port, a socket that only Envoy's own container sees, or a listener in this very process. */
export type Place =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
  | { readonly inner: string };

export interface ClusterOptions {
  readonly name: string;
  readonly places: readonly Place[];
  /** What is not said in it is as good as unlimited; without it Envoy's own limits of 1,024 hold. */
  readonly limits?: { readonly connections?: number; readonly requests?: number };
  /** Of a connection that nobody uses; default an hour. */
  readonly idleTimeoutS?: number;
}

export function cluster({ name, places, limits, idleTimeoutS }: ClusterOptions): Json {
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    ...(places.length > 1 && {
      load_balancing_policy: {
        policies: [
          {
            typed_extension_config: {
              name: "least_request",
              typed_config: typed("load_balancing_policies.least_request.v3.LeastRequest", {
                selection_method: "FULL_SCAN",
              }),
            },
          },
        ],
      },
    }),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: places.map((place, index) => ({ endpoint: { address: addressOf(place, index) } })) }],
    },
    ...(limits && {
      circuit_breakers: {
        thresholds: [
          {
            max_connections: limits.connections ?? unlimited,
            max_pending_requests: unlimited,
            max_requests: limits.requests ?? unlimited,
          },
        ],
      },
    }),
    ...(idleTimeoutS !== undefined && {
      typed_extension_protocol_options: {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed("upstreams.http.v3.HttpProtocolOptions", {
          common_http_protocol_options: { idle_timeout: `${idleTimeoutS}s` },
          explicit_http_config: { http_protocol_options: {} },
        }),
      },
    }),
  };
}

function addressOf(place: Place, index: number): Json {
  if ("inner" in place)
    return { envoy_internal_address: { server_listener_name: place.inner, endpoint_id: String(index) } };
  if ("path" in place) return { pipe: { path: place.path } };
  return { socket_address: { address: place.host, port_value: place.port } };
}

export interface ListenerOptions {
  readonly name: string;
  readonly place: Place;
  /** Of the HTTP connection manager, beyond what all have. */
  readonly http: { readonly [key: string]: Json };
  /** Before the router. */
  readonly filters?: readonly Json[];
  readonly routes: readonly Json[];
}

/** HTTP/1 at `place`. Headers, paths and upgrades pass as they came, and no timer cuts a request. */
export function listener({ name, place, http, filters = [], routes }: ListenerOptions): Json {
  return {
    name,
    ...("inner" in place ? { internal_listener: {} } : { address: addressOf(place, 0) }),
    filter_chains: [
      {
        filters: [
          {
            name: "http",
            typed_config: typed("filters.network.http_connection_manager.v3.HttpConnectionManager", {
              stat_prefix: name,
              codec_type: "HTTP1",
              http_protocol_options: { accept_http_10: true, default_host_for_http_10: name },
              stream_idle_timeout: "0s",
              server_header_transformation: "PASS_THROUGH",
              skip_xff_append: true,
              upgrade_configs: [{ upgrade_type: "websocket" }],
              ...http,
              route_config: { virtual_hosts: [{ name, domains: ["*"], routes }] },
              http_filters: [...filters, { name: "router", typed_config: router }],
            }),
          },
        ],
      },
    ],
  };
}

const router = typed("filters.http.router.v3.Router", { suppress_envoy_headers: true });

export const toCluster = (name: string): Json => ({ match: { prefix: "/" }, route: { cluster: name, timeout: "0s" } });

export interface LocalReply {
  /** Envoy's response flags: why it answers by itself. */
  readonly flags: readonly string[];
  readonly status: number;
  readonly body: { readonly error: string; readonly code: string; readonly [key: string]: string };
  readonly retryAfterS?: number;
}

/** Answers of Envoy's own, as the local gateway gives them. */
export function localReplies(replies: readonly LocalReply[]): Json {
  return {
    mappers: replies.map(({ flags, status, body, retryAfterS }) => ({
      filter: { response_flag_filter: { flags } },
      status_code: status,
      headers_to_add: [
        header("access-control-allow-origin", "*"),
        ...(retryAfterS === undefined ? [] : [header("retry-after", String(retryAfterS))]),
      ],
      body_format_override: { json_format: { ...escaped(body), request_id: "%REQ(X-REQUEST-ID)%" } },
    })),
  };
}

const header = (key: string, value: string): Json => ({
  header: { key, value },
  append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
});

/** Per cent signs begin operators in Envoy's formats. */
const escaped = (values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value.replaceAll("%", "%%")]));
