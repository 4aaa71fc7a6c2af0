/** Whose figures are asked for. */
export interface Measured {
  /** Names of APIs with replicas; undefined for all of the namespace. */
  readonly apis: readonly string[] | undefined;
  /** Names of TrafficSplitters, which have no sidecar of their own: Envoy Gateway measures them, other gateways do not. */
  readonly splitters: readonly string[];
}

/** Questions in Prometheus' language, over what sidecars say of APIs and the gateway of splitters. */
export interface Queries {
  /** By `__name__` and `cortex_api`: requests that replicas hold, and requests that wait. */
  readonly now: string;
  /** By `cortex_api` and `envoy_response_code_class`: answers so far. */
  readonly answers: string;
  /** By `cortex_api` and `le`, milliseconds: requests per second that took no longer; none where there are none. */
  readonly durations: string;
}

export const inFlightName = "envoy_cluster_upstream_rq_active";
export const waitingName = "envoy_cluster_upstream_rq_pending_active";

/**
 * A URL has its limits: from so many names on all APIs of the namespace are asked for, which costs no more, and no further
 * splitters.
 */
const mostNames = 100;

/** @param window what durations are averaged over, e.g. "1m" */
export function queriesFor(namespace: string, { apis, splitters }: Measured, window: string): Queries {
  const names = apis && apis.length <= mostNames ? `,cortex_api=~"${apis.join("|")}"` : "";
  const ofApis = `cortex_namespace="${namespace}"${names}`;
  const front = `${ofApis},envoy_http_conn_manager_prefix="api"`;
  const shown = splitters.slice(0, mostNames).join("|");
  const ofSplitters = `envoy_route=~"HTTPRoute/${namespace}/(${shown})"`;
  /** The same question about splitters, whose names are in another label. */
  const orOfSplitters = (question: string) =>
    shown === "" ? "" : ` or label_replace(${question},"cortex_api","$1","envoy_route","HTTPRoute/.+/(.+)")`;
  return {
    now: `sum by (__name__,cortex_api) ({__name__=~"${inFlightName}|${waitingName}",${ofApis},envoy_cluster_name="replica"})`,
    answers:
      answered("cortex_api", `envoy_http_downstream_rq_xx{${front}}`) +
      orOfSplitters(answered("envoy_route", `envoy_vhost_route_upstream_rq_xx{${ofSplitters}}`)),
    durations:
      lasting("cortex_api", `envoy_http_downstream_rq_time_bucket{${front}}[${window}]`) +
      orOfSplitters(lasting("envoy_route", `envoy_vhost_route_upstream_rq_time_bucket{${ofSplitters}}[${window}]`)),
  };
}

/** Pods that ended count as they were last seen: by the second in the last minutes, every five minutes before. */
function answered(by: string, series: string): string {
  return `sum by (${by},envoy_response_code_class) (last_over_time(${series}[10m]) or max_over_time(${series}[1d:5m]))`;
}

function lasting(by: string, range: string): string {
  return `(sum by (${by},le) (rate(${range})) > 0)`;
}
