import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { clusterConfig, label, ours } from "../../kubernetes/labels.ts";
import { type KubeObject, type ResourceType, resource } from "../../kubernetes/objects.ts";
import { addonResource, installedKinds } from "./kinds.ts";
import type { WrittenSettings } from "./settings-objects.ts";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

/** A Deployment, StatefulSet or DaemonSet. */
export interface Workload extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly { readonly image?: string }[] };
    };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    /** Of a DaemonSet: one per node that it is for. */
    readonly desiredNumberScheduled?: number;
    readonly updatedNumberScheduled?: number;
    readonly numberAvailable?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface Service extends KubeObject {
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly clusterIP?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  };
}

export interface ApiService extends KubeObject {
  readonly spec: { readonly service?: { readonly namespace: string; readonly name: string } };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface GatewayClass extends KubeObject {
  readonly spec: { readonly controllerName: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Listener {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly allowedRoutes?: {
    readonly namespaces?: { readonly from?: string; readonly selector?: LabelSelector };
    readonly kinds?: readonly { readonly kind: string }[];
  };
  readonly tls?: { readonly certificateRefs?: readonly { readonly name: string; readonly namespace?: string }[] };
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly unknown[];
}

export interface Gateway extends KubeObject {
  readonly spec: { readonly gatewayClassName: string; readonly listeners: readonly Listener[] };
  readonly status?: {
    readonly addresses?: readonly { readonly type?: string; readonly value: string }[];
    readonly conditions?: readonly Condition[];
  };
}

export interface Node extends KubeObject {
  readonly spec?: { readonly providerID?: string; readonly unschedulable?: boolean };
}

/** What one round of reads finds of everything that add-ons are about. */
export interface ClusterFacts {
  /** Everything that carries the label of an add-on; of CRDs the metadata only. */
  readonly ours: readonly KubeObject[];
  /** Metadata of all. */
  readonly crds: readonly KubeObject[];
  readonly apiServices: readonly ApiService[];
  /** All but those of APIs. */
  readonly workloads: readonly Workload[];
  readonly services: readonly Service[];
  readonly gatewayClasses: readonly GatewayClass[];
  readonly gateways: readonly Gateway[];
  readonly namespaces: readonly KubeObject[];
  readonly nodes: readonly Node[];
  readonly storageClasses: readonly KubeObject[];
  readonly settings: WrittenSettings | undefined;
}

/** Selects what `cluster install` made. */
export const ofAddons = `${ours},${label.addon}`;
/** Selects all but what belongs to APIs, which may be thousands. */
const notOfApis = `!${label.kind}`;

/** All reads at once: one round trip deep. @throws KubeError, which names the verb that is missing */
export async function readFacts(client: KubeClient, signal: AbortSignal): Promise<ClusterFacts> {
  const all = <T extends KubeObject>(type: ResourceType, labelSelector?: string) =>
    listed<T>(client, type, labelSelector, signal);
  const separately: readonly ResourceType[] = [
    addonResource.customResourceDefinition,
    addonResource.apiService,
    addonResource.statefulSet,
    resource.deployment,
    resource.service,
    resource.gatewayClass,
    resource.gateway,
    resource.namespace,
    addonResource.storageClass,
  ];
  const [
    crds,
    apiServices,
    deployments,
    statefulSets,
    services,
    gatewayClasses,
    gateways,
    namespaces,
    nodes,
    storageClasses,
    config,
    rest,
  ] = await Promise.all([
    definitionsOf(client, signal),
    all<ApiService>(addonResource.apiService),
    all<Workload>(resource.deployment, notOfApis),
    all<Workload>(addonResource.statefulSet, notOfApis),
    all<Service>(resource.service, notOfApis),
    all<GatewayClass>(resource.gatewayClass),
    all<Gateway>(resource.gateway),
    all<KubeObject>(resource.namespace),
    all<Node>(resource.node),
    all<KubeObject>(addonResource.storageClass),
    client.get<KubeObject & { data?: WrittenSettings }>(
      resource.configMap,
      clusterConfig.namespace,
      clusterConfig.name,
      signal,
    ),
    Promise.all(
      installedKinds.filter((type) => !separately.includes(type)).map((type) => all<KubeObject>(type, ofAddons)),
    ),
  ]);
  const workloads = [...deployments, ...statefulSets];
  const everything = [
    crds,
    apiServices,
    workloads,
    services,
    gatewayClasses,
    gateways,
    namespaces,
    storageClasses,
  ].flat();
  return {
    ours: [...everything.filter(isOurs), ...rest.flat()],
    crds,
    apiServices,
    workloads,
    services,
    gatewayClasses,
    gateways,
    namespaces,
    nodes,
    storageClasses,
    settings: config?.data,
  };
}

export function isOurs({ metadata: { labels } }: KubeObject): boolean {
  return labels?.[label.managedBy] === "cortex" && labels[label.addon] !== undefined;
}

/** Items of a list name no kind: it is put back. */
async function listed<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<readonly T[]> {
  const found = await client.list<T>(type, labelSelector === undefined ? {} : { labelSelector }, signal);
  return (found?.items ?? []).map((item) => ({ ...item, apiVersion: type.apiVersion, kind: type.kind }));
}

/** Whole they would be megabytes. */
async function definitionsOf(client: KubeClient, signal: AbortSignal): Promise<readonly KubeObject[]> {
  const { apiVersion, kind } = addonResource.customResourceDefinition;
  const items = await listMetadata(client, addonResource.customResourceDefinition, undefined, signal);
  return items.map((item) => ({ ...item, apiVersion, kind }));
}

/** The metadata of all objects of a kind; none when the cluster does not know it. */
export async function listMetadata(
  client: KubeClient,
  type: ResourceType,
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const { pathOf, query } = await import("../../kubernetes/paths.ts");
  const accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
  const items: KubeObject[] = [];
  for (let next: string | undefined; ; ) {
    const path = `${pathOf(type, undefined)}${query({ labelSelector, limit: 500, continue: next })}`;
    const page = await client.json<MetadataPage>({ method: "GET", path, headers: { accept } }, signal);
    items.push(
      ...(page.items ?? []).map(({ metadata }) => ({ apiVersion: type.apiVersion, kind: type.kind, metadata })),
    );
    next = page.metadata.continue;
    if (!next) return items;
  }
}

interface MetadataPage {
  readonly metadata: { readonly continue?: string };
  /** null when there are none. */
  readonly items: readonly Pick<KubeObject, "metadata">[] | null;
}

/** Whether all replicas are of the newest template, and serve. One that somebody scaled to nothing does not. */
export function isAvailable(workload: Workload): boolean {
  const { metadata, spec, status } = workload;
  if (isDaemonSet(workload)) {
    const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status ?? {};
    const isWhole = updatedNumberScheduled >= desiredNumberScheduled && numberAvailable >= desiredNumberScheduled;
    return status?.observedGeneration === metadata.generation && isWhole;
  }
  const wanted = Math.max(1, spec.replicas ?? 1);
  const { observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status ?? {};
  const isSeen = observedGeneration === metadata.generation;
  return isSeen && updatedReplicas >= wanted && availableReplicas >= wanted && replicas <= updatedReplicas;
}

/** Whether any replica serves, of whatever template; of what runs on every node of a kind there may be none. */
export function serves(workload: Workload): boolean {
  const { status } = workload;
  if (isDaemonSet(workload)) return status?.desiredNumberScheduled === 0 || (status?.numberAvailable ?? 0) > 0;
  return (status?.availableReplicas ?? 0) > 0;
}

/** Items of a list name no kind, and only the scheduler's own numbers tell them apart. */
function isDaemonSet({ kind, status }: Workload): boolean {
  return kind === "DaemonSet" || status?.desiredNumberScheduled !== undefined;
}

export function conditionOf(
  object: { readonly status?: { readonly conditions?: readonly Condition[] } },
  type: string,
): Condition | undefined {
  return object.status?.conditions?.find((one) => one.type === type);
}

export function isTrue(object: Parameters<typeof conditionOf>[0], type: string): boolean {
  return conditionOf(object, type)?.status === "True";
}
