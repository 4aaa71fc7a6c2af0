import type { RealtimeApi, TrafficSplitter } from "../../../spec/api.ts";
import type { ClusterGateway } from "../features.ts";
import { port } from "../names.ts";
import { type Manifest, metadataOf, type Owned } from "./metadata.ts";

const gatewayApi = "gateway.networking.k8s.io";
const envoyGatewayApi = "gateway.envoyproxy.io";

/** Why an API has no replica that could serve. */
export interface Unavailable {
  readonly code: string;
  readonly message: string;
  readonly retryAfterS: number;
}

export interface RouteInput extends Owned {
  readonly gateway: ClusterGateway;
  readonly unavailable?: Unavailable;
}

/** What the gateway needs to bring requests to an API. */
export function routeObjects(api: RealtimeApi, input: RouteInput): readonly Manifest[] {
  const { gateway, unavailable } = input;
  if (unavailable && gateway.isEnvoyGateway) {
    const filter = {
      type: "ExtensionRef",
      extensionRef: { group: envoyGatewayApi, kind: "HTTPRouteFilter", name: api.name },
    };
    return [directResponse(api.name, unavailable, input), route(api, { filters: [filter] }, input)];
  }
  const rule = { ...rewrite(api.networking.endpoint), backendRefs: [backend(api.name, 1)] };
  return [route(api, rule, input), ...(gateway.isEnvoyGateway ? [trafficPolicy(input)] : [])];
}

/** Weighted shares of requests to other APIs, and copies of all of them to one whose answers nobody sees. */
export function splitterObjects(splitter: TrafficSplitter, input: RouteInput): readonly Manifest[] {
  const rewritten = rewrite(splitter.networking.endpoint);
  const mirrors = splitter.apis
    .filter(({ shadow }) => shadow)
    .map(({ name, weight }) => ({
      type: "RequestMirror",
      requestMirror: { backendRef: service(name), ...(weight < 100 && { percent: weight }) },
    }));
  const filters = [...(rewritten.filters ?? []), ...mirrors];
  const rule = {
    ...(filters.length > 0 && { filters }),
    backendRefs: splitter.apis.filter(({ shadow }) => !shadow).map(({ name, weight }) => backend(name, weight)),
  };
  return [route(splitter, rule, input), ...(input.gateway.isEnvoyGateway ? [trafficPolicy(input)] : [])];
}

/** The gateway compares whole parts of the path: /iris, /iris/ and /iris/x match /iris, and /iris2 does not. */
function route({ networking }: RealtimeApi | TrafficSplitter, rule: object, input: RouteInput): Manifest {
  const { gateway } = input;
  return {
    apiVersion: `${gatewayApi}/v1`,
    kind: "HTTPRoute",
    metadata: metadataOf(input),
    spec: {
      parentRefs: [{ group: gatewayApi, kind: "Gateway", namespace: gateway.namespace, name: gateway.name }],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: networking.endpoint } }],
          ...rule,
          timeouts: { request: "0s" },
        },
      ],
    },
  };
}

function rewrite(endpoint: string): { readonly filters?: readonly object[] } {
  if (endpoint === "/") return {};
  const path = { type: "ReplacePrefixMatch", replacePrefixMatch: "/" };
  return { filters: [{ type: "URLRewrite", urlRewrite: { path } }] };
}

const service = (name: string) => ({ group: "", kind: "Service", name, port: port.service });
const backend = (name: string, weight: number) => ({ ...service(name), weight });

/** A splitter has no sidecar that could count, so the gateway does: the value of the label `envoy_route`. */
const splitterStatName = "%ROUTE_KIND%/%ROUTE_NAMESPACE%/%ROUTE_NAME%";

/** Envoy Gateway's own limits would refuse from 1,024 requests on and cut streams that are silent for five minutes. */
function trafficPolicy(input: RouteInput): Manifest {
  const most = 4_294_967_295;
  const { spec } = input.record;
  return {
    apiVersion: `${envoyGatewayApi}/v1alpha1`,
    kind: "BackendTrafficPolicy",
    metadata: metadataOf(input),
    spec: {
      targetRefs: [{ group: gatewayApi, kind: "HTTPRoute", name: spec.name }],
      circuitBreaker: {
        maxConnections: most,
        maxParallelRequests: most,
        maxPendingRequests: most,
        maxParallelRetries: 1024,
      },
      timeout: { http: { requestTimeout: "0s", streamIdleTimeout: "0s", maxStreamDuration: "0s" } },
      retry: { numRetries: 2, retryOn: { triggers: ["connect-failure"] } },
      responseOverride: [noReplica(spec.name)],
      ...(spec.kind === "TrafficSplitter" && { telemetry: { metrics: { routeStatName: splitterStatName } } }),
    },
  };
}

/** What the gateway says by itself while no replica takes requests; what a replica answers with is left as it is. */
function noReplica(api: string): object {
  const body = { error: `no healthy upstream: no replica of ${api} takes requests`, code: "no_replica", api };
  return {
    match: { statusCodes: [{ type: "Value", value: 503 }] },
    source: "Local",
    response: answer(body, 1),
  };
}

/** An answer in the shape of all that Cortex itself answers with. */
function answer(body: object, retryAfterS: number): object {
  return {
    contentType: "application/json",
    // The gateway reads a per cent sign as the beginning of a variable.
    body: { type: "Inline", inline: `${JSON.stringify(body).replaceAll("%", "%%")}\n` },
    header: {
      set: [
        { name: "retry-after", value: String(Math.ceil(retryAfterS)) },
        { name: "access-control-allow-origin", value: "*" },
      ],
    },
  };
}

function directResponse(api: string, { code, message, retryAfterS }: Unavailable, input: RouteInput): Manifest {
  const body = { error: `no healthy upstream: ${message}`, code, api };
  return {
    apiVersion: `${envoyGatewayApi}/v1alpha1`,
    kind: "HTTPRouteFilter",
    metadata: metadataOf(input),
    spec: { directResponse: { statusCode: 503, ...answer(body, retryAfterS) } },
  };
}
