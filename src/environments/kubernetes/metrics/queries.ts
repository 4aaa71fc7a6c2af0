/** Questions in Prometheus' language, over what the sidecars of all APIs of a namespace say. */
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

/** From so many names on all APIs of the namespace are asked for: a URL has its limits, and the answer costs no more. */
const mostNames = 100;

/**
 * @param apis names of APIs; undefined for all of the namespace
 * @param window what durations are averaged over, e.g. "1m"
 */
export function queriesFor(namespace: string, apis: readonly string[] | undefined, window: string): Queries {
  const names = apis && apis.length <= mostNames ? `,cortex_api=~"${apis.join("|")}"` : "";
  const of = `cortex_namespace="${namespace}"${names}`;
  const front = `${of},envoy_http_conn_manager_prefix="api"`;
  const answers = `envoy_http_downstream_rq_xx{${front}}`;
  return {
    now: `sum by (__name__,cortex_api) ({__name__=~"${inFlightName}|${waitingName}",${of},envoy_cluster_name="replica"})`,
    // Replicas that ended count as they were last seen: by the second in the last minutes, every five minutes before.
    answers: `sum by (cortex_api,envoy_response_code_class) (last_over_time(${answers}[10m]) or max_over_time(${answers}[1d:5m]))`,
    durations: `sum by (cortex_api,le) (rate(envoy_http_downstream_rq_time_bucket{${front}}[${window}])) > 0`,
  };
}
