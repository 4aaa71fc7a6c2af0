import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { type KubeObject, type ResourceType, resource } from "../../kubernetes/objects.ts";
import { type Anchor, anchorsOnly, readAnchor } from "./anchor.ts";
import type { ClusterConfigData, ClusterFeatures, ClusterGateway } from "./features.ts";
import { clusterConfig, label, ours } from "./names.ts";
import type { ConfigMap, Deployment, Gateway, Pod } from "./shapes.ts";

/** What the settings of an environment say of its cluster; they win over what the cluster itself says. */
export interface ClusterOverrides {
  /** `namespace/name`. */
  readonly gateway?: string;
  readonly prometheus?: string;
}

/** Where the cluster is entered: its Gateway as it is now. */
export interface Entrance {
  readonly gateway: ClusterGateway | undefined;
  readonly object: Gateway | undefined;
  readonly prometheusUrl: string | undefined;
}

/** What `get` and its like need of a namespace, read in one round. Objects by the name of their API. */
export interface Snapshot {
  readonly anchors: ReadonlyMap<string, Anchor>;
  readonly deployments: ReadonlyMap<string, Deployment>;
  readonly pods: ReadonlyMap<string, readonly Pod[]>;
  readonly autoscalers: ReadonlyMap<string, KubeObject>;
  readonly scaledObjects: ReadonlyMap<string, KubeObject>;
  readonly entrance: Entrance;
}

/** What a deploy compares with: all that Cortex made, by kind and API. A kind that the cluster lacks has no entry. */
export interface FullSnapshot extends Snapshot {
  readonly objects: ReadonlyMap<ResourceType, ReadonlyMap<string, KubeObject>>;
  readonly features: ClusterFeatures;
}

/** Kinds of which an API has at most one object, called as it is. */
export const ownedTypes: readonly ResourceType[] = [
  resource.deployment,
  resource.service,
  resource.serviceAccount,
  resource.httpRoute,
  resource.httpRouteFilter,
  resource.backendTrafficPolicy,
  resource.podDisruptionBudget,
  resource.horizontalPodAutoscaler,
  resource.scaledObject,
  resource.podMonitor,
];

/** The Gateway that `cortex cluster install` makes, which is asked for while it is not known yet whether there is another. */
const usualGateway = `${clusterConfig.namespace}/cortex`;
const envoyGateway = "gateway.envoyproxy.io/gatewayclass-controller";

/** @param only the one API to read; without it all */
export async function readSnapshot(
  client: KubeClient,
  namespace: string,
  overrides: ClusterOverrides,
  signal: AbortSignal,
  only?: string,
): Promise<Snapshot> {
  const list = <T extends KubeObject>(type: ResourceType, selector = ours) =>
    listed<T>(client, namespace, type, only === undefined ? selector : `${selector},${label.name}=${only}`, signal);
  const [anchors, deployments, pods, autoscalers, scaledObjects, entrance] = await Promise.all([
    list<ConfigMap>(resource.configMap, anchorsOnly),
    list<Deployment>(resource.deployment),
    list<Pod>(resource.pod),
    // Asked for a kind that the cluster lacks, it says "forbidden" to whoever has no right to that.
    absentIfForbidden(list(resource.horizontalPodAutoscaler)),
    absentIfForbidden(list(resource.scaledObject)),
    readEntrance(client, overrides, signal),
  ]);
  return {
    anchors: new Map((anchors ?? []).map(readAnchor).map((anchor) => [anchor.name, anchor])),
    deployments: byName(deployments),
    pods: Map.groupBy(pods ?? [], apiOf),
    autoscalers: byApi(autoscalers),
    scaledObjects: byName(scaledObjects),
    entrance,
  };
}

/** One list per kind, all at once. */
export async function readFullSnapshot(
  client: KubeClient,
  namespace: string,
  overrides: ClusterOverrides,
  signal: AbortSignal,
): Promise<FullSnapshot> {
  const [anchors, pods, entrance, version, ...lists] = await Promise.all([
    listed<ConfigMap>(client, namespace, resource.configMap, anchorsOnly, signal),
    listed<Pod>(client, namespace, resource.pod, ours, signal),
    readEntrance(client, overrides, signal),
    client.json<{ readonly minor: string }>({ method: "GET", path: "/version" }, signal),
    ...ownedTypes.map((type) => listed(client, namespace, type, ours, signal)),
  ]);
  const objects = new Map(
    ownedTypes.flatMap((type, index) => {
      const items = lists[index];
      return items === undefined ? [] : [[type, byApi(items)] as const];
    }),
  );
  return {
    anchors: new Map((anchors ?? []).map(readAnchor).map((anchor) => [anchor.name, anchor])),
    pods: Map.groupBy(pods ?? [], apiOf),
    deployments: (objects.get(resource.deployment) ?? new Map()) as ReadonlyMap<string, Deployment>,
    autoscalers: objects.get(resource.horizontalPodAutoscaler) ?? new Map(),
    scaledObjects: objects.get(resource.scaledObject) ?? new Map(),
    entrance,
    objects,
    features: {
      minorVersion: Number.parseInt(version.minor, 10),
      gateway: objects.has(resource.httpRoute) ? entrance.gateway : undefined,
      hasKeda: objects.has(resource.scaledObject),
      prometheusUrl: entrance.prometheusUrl,
      hasPodMonitor: objects.has(resource.podMonitor),
    },
  };
}

/** The Gateway, in one round where it is the usual one or named in the settings, else in two. */
export async function readEntrance(
  client: KubeClient,
  overrides: ClusterOverrides,
  signal: AbortSignal,
): Promise<Entrance> {
  const guess = overrides.gateway ?? usualGateway;
  const [config, guessed] = await Promise.all([
    absentIfForbidden(client.get<ConfigMap>(resource.configMap, clusterConfig.namespace, clusterConfig.name, signal)),
    readGateway(client, guess, signal),
  ]);
  const data = (config?.data ?? {}) as ClusterConfigData;
  const wanted = overrides.gateway ?? data.gateway;
  const object = wanted === undefined || wanted === guess ? guessed : await readGateway(client, wanted, signal);
  const prometheusUrl = overrides.prometheus ?? data.prometheus;
  const [namespace = "", name = ""] = (wanted ?? guess).split("/");
  const isThere = wanted !== undefined || object !== undefined;
  const isEnvoyGateway =
    data.gatewayController === undefined || wanted !== data.gateway
      ? object?.spec.gatewayClassName === "cortex"
      : data.gatewayController === envoyGateway;
  return { gateway: isThere ? { namespace, name, isEnvoyGateway } : undefined, object, prometheusUrl };
}

async function readGateway(client: KubeClient, named: string, signal: AbortSignal): Promise<Gateway | undefined> {
  const [namespace = "", name = ""] = named.split("/");
  return absentIfForbidden(client.get<Gateway>(resource.gateway, namespace, name, signal));
}

/** Users of a namespace need not be allowed to look at what serves the whole cluster. */
async function absentIfForbidden<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as { status?: number }).status === 403) return undefined;
    throw error;
  }
}

/** @returns undefined when the cluster does not know the kind */
async function listed<T extends KubeObject>(
  client: KubeClient,
  namespace: string,
  type: ResourceType,
  labelSelector: string,
  signal: AbortSignal,
): Promise<readonly T[] | undefined> {
  return (await client.list<T>(type, { namespace, labelSelector }, signal))?.items;
}

function apiOf(object: KubeObject): string {
  return object.metadata.labels?.[label.name] ?? "";
}

function byApi<T extends KubeObject>(items: readonly T[] | undefined): ReadonlyMap<string, T> {
  return new Map((items ?? []).map((item) => [apiOf(item), item]));
}

function byName<T extends KubeObject>(items: readonly T[] | undefined): ReadonlyMap<string, T> {
  return new Map((items ?? []).map((item) => [item.metadata.name, item]));
}

/** @returns the URL of `endpoint` behind the Gateway; undefined while it has no address */
export function endpointUrl({ object }: Entrance, endpoint: string): string | undefined {
  const address = object?.status?.addresses?.[0]?.value;
  if (object === undefined || address === undefined) return undefined;
  const listeners = object.spec.listeners;
  const listener =
    listeners.find(({ protocol }) => protocol === "HTTPS") ?? listeners.find(({ protocol }) => protocol === "HTTP");
  if (!listener) return undefined;
  const isHttps = listener.protocol === "HTTPS";
  const host = address.includes(":") ? `[${address}]` : address;
  const port = listener.port === (isHttps ? 443 : 80) ? "" : `:${listener.port}`;
  return `${isHttps ? "https" : "http"}://${host}${port}${endpoint === "/" ? "/" : endpoint}`;
}
