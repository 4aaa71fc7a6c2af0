import { type AddonName, type AddonUse, addonNames, type UninstallPlan } from "../../core/cluster.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { label, manager, ours } from "../../kubernetes/labels.ts";
import { type KubeObject, type ResourceType, resource } from "../../kubernetes/objects.ts";
import { type ClusterFacts, isOurs, readFacts } from "./facts.ts";
import { oursOf } from "./found.ts";
import { type Instances, instancesOf } from "./instances.ts";
import { addonResource } from "./kinds.ts";
import { objectText } from "./manifest.ts";

/** What uninstalling is decided on. */
export interface UninstallFacts {
  readonly cluster: ClusterFacts;
  /** Of kinds that ours define. */
  readonly instances: readonly Instances[];
  /** Anchors of APIs. */
  readonly apis: readonly KubeObject[];
  /** Objects in namespaces of ours, by kind. */
  readonly inOurNamespaces: readonly KubeObject[];
  readonly autoscalers: readonly Autoscaler[];
  readonly scaledObjects: readonly ScaledObject[];
}

interface Autoscaler extends KubeObject {
  readonly spec: { readonly metrics?: readonly { readonly type: string }[] };
}

interface ScaledObject extends KubeObject {
  readonly spec: { readonly triggers?: readonly { readonly metadata?: Readonly<Record<string, string>> }[] };
}

export async function readUninstallFacts(client: KubeClient, signal: AbortSignal): Promise<UninstallFacts> {
  const cluster = await readFacts(client, signal);
  const definitions = cluster.ours.filter(({ kind }) => kind === "CustomResourceDefinition");
  const namespaces = cluster.ours.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name);
  const list = async <T extends KubeObject>(type: ResourceType, options = {}) => {
    const found = await client.list<T>(type, options, signal);
    return (found?.items ?? []).map((item) => ({ ...item, apiVersion: type.apiVersion, kind: type.kind }));
  };
  const kinds = [resource.secret, resource.configMap, resource.service, resource.deployment, addonResource.statefulSet];
  const [instances, apis, inside, autoscalers, scaledObjects] = await Promise.all([
    instancesOf(definitions, client, signal),
    list<KubeObject>(resource.configMap, { labelSelector: `${ours},${label.kind}` }),
    Promise.all(namespaces.flatMap((namespace) => kinds.map((type) => list<KubeObject>(type, { namespace })))),
    list<Autoscaler>(resource.horizontalPodAutoscaler),
    list<ScaledObject>(resource.scaledObject),
  ]);
  return { cluster, instances, apis, inOurNamespaces: inside.flat(), autoscalers, scaledObjects };
}

/** What would go, and what uses it. Says nothing of what was in the cluster before: that stays. */
export function uninstallPlan(facts: UninstallFacts): UninstallPlan {
  const { cluster } = facts;
  const counted = [...addonNames, "settings" as const].map((name) => ({ name, objects: oursOf(cluster, name).length }));
  const isThere = (name: AddonName) => oursOf(cluster, name).length > 0;
  const uses = [
    ...facts.instances.flatMap(({ addon, objects }) =>
      objects.filter((one) => !isOurs(one)).map((one) => useOf(addon, one)),
    ),
    ...(isThere("envoy-gateway") && !isThere("gateway-api") ? foreignGateways(cluster) : []),
    ...(isThere("metrics-server")
      ? facts.autoscalers.filter(scalesOnResources).map((one) => useOf("metrics-server", one))
      : []),
    ...(isThere("prometheus") && !isThere("keda") ? readersOfPrometheus(facts) : []),
    ...facts.inOurNamespaces.filter(isForeign).map((one) => useOf("settings", one)),
  ];
  return {
    addons: counted.filter(({ objects }) => objects > 0),
    apis: facts.apis.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort(),
    uses: uses.filter(({ object }, at) => uses.findIndex((one) => one.object === object) === at),
  };
}

function useOf(addon: AddonName | "settings", object: KubeObject): AddonUse {
  const { namespace, labels = {} } = object.metadata;
  const isOfApi = labels[label.managedBy] === manager && labels[label.kind] !== undefined;
  return { addon, object: objectText(object), ...(isOfApi && { api: `${namespace}/${labels[label.name]}` }) };
}

/** Envoy Gateway alone would go, and Gateways that it serves stay without a controller. */
function foreignGateways({ gateways, gatewayClasses }: ClusterFacts): readonly AddonUse[] {
  const classes = gatewayClasses
    .filter(({ spec }) => spec.controllerName.startsWith("gateway.envoyproxy.io/"))
    .map(({ metadata }) => metadata.name);
  const served = gateways.filter((one) => !isOurs(one) && classes.includes(one.spec.gatewayClassName));
  return served.map((one) => useOf("envoy-gateway", one));
}

function scalesOnResources({ spec }: Autoscaler): boolean {
  return spec.metrics?.some(({ type }) => type === "Resource" || type === "ContainerResource") ?? false;
}

function readersOfPrometheus({ scaledObjects, cluster }: UninstallFacts): readonly AddonUse[] {
  const url = cluster.settings?.prometheus;
  const reads = ({ spec }: ScaledObject) =>
    url !== undefined && spec.triggers?.some(({ metadata }) => metadata?.serverAddress?.startsWith(url));
  return scaledObjects.filter(reads).map((one) => useOf("prometheus", one));
}

/** Secrets and such that controllers of the add-ons make in their own namespaces, by name. */
const madeByControllers: readonly (readonly [kind: string, name: RegExp])[] = [
  ["ConfigMap", /^kube-root-ca\.crt$/],
  ["ConfigMap", /^istio-ca-root-cert$/],
  ["Secret", /^(envoy|envoy-gateway|envoy-rate-limit|envoy-oidc-hmac|kedaorg-certs)$/],
];

/** Neither ours, nor made by what we installed, nor the part of something else. */
function isForeign(object: KubeObject): boolean {
  const { labels = {}, ownerReferences = [], name } = object.metadata;
  if (isOurs(object) || ownerReferences.length > 0) return false;
  if (labels["app.kubernetes.io/managed-by"] === "envoy-gateway") return false;
  return !madeByControllers.some(([kind, pattern]) => kind === object.kind && pattern.test(name));
}
