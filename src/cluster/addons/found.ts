import type { AddonName, apiAddonNames } from "../../core/cluster.ts";
import { label } from "../../kubernetes/labels.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import { type ClusterFacts, isAvailable, isOurs, isTrue, type Service, serves, type Workload } from "./facts.ts";
import { imagesOf, tagOf } from "./manifest.ts";
import { bundleAnnotation, envoyGroup, gatewayGroup, kedaGroup } from "./releases.ts";

/** What a cluster has of an add-on. */
export type Found =
  | { readonly state: "absent" }
  | {
      readonly state: "ours";
      readonly version: string;
      readonly objects: readonly KubeObject[];
      /** All of it is as it was applied, and works. */
      readonly isReady: boolean;
      /** Something of it does not work at all. */
      readonly isDown: boolean;
    }
  | { readonly state: "others"; readonly version: string; readonly where: string; readonly isReady: boolean }
  /** Definitions of kinds without the program that serves them. */
  | { readonly state: "remains"; readonly what: readonly string[] };

const unknown = "unknown version";

/** Those that others may have installed, too. */
export type FoundName = Exclude<(typeof apiAddonNames)[number], "gateway">;

export function findAddon(name: FoundName, facts: ClusterFacts): Found {
  const objects = oursOf(facts, name);
  if (objects.length > 0) {
    const version = versionOf(name, objects);
    return {
      state: "ours",
      version,
      objects,
      isReady: isEach(name, objects, isAvailable),
      isDown: !isEach(name, objects, serves),
    };
  }
  return finders[name](facts);
}

/** Objects of ours that belong to an add-on; jobs go away by themselves and are left out. */
export function oursOf(facts: ClusterFacts, name: AddonName | "settings"): readonly KubeObject[] {
  return facts.ours.filter(({ kind, metadata }) => metadata.labels?.[label.addon] === name && kind !== "Job");
}

const finders: Readonly<Record<FoundName, (facts: ClusterFacts) => Found>> = {
  "gateway-api": ({ crds }) => {
    const [first] = definitionsOf(crds, gatewayGroup);
    if (!first) return { state: "absent" };
    return { state: "others", version: bundleOf(first), where: `CRDs of ${gatewayGroup}`, isReady: true };
  },
  "envoy-gateway": (facts) => programOf(facts, "envoyproxy/gateway", envoyGroup),
  keda: (facts) => programOf(facts, "kedacore/keda", kedaGroup),
  "metrics-server": (facts) => {
    const api = facts.apiServices.find(({ metadata }) => metadata.name === "v1beta1.metrics.k8s.io");
    if (!api) return { state: "absent" };
    const versions = metricsServerImages.flatMap((image) =>
      workloadsOf(facts, image).map((one) => imageVersion(one, image)),
    );
    const { namespace, name } = api.spec.service ?? { namespace: "", name: "the API server itself" };
    return {
      state: "others",
      version: versions[0] ?? unknown,
      where: [namespace, name].filter(Boolean).join("/"),
      isReady: isTrue(api, "Available"),
    };
  },
  prometheus: (facts) => {
    const found = foreignPrometheus(facts);
    if (!found) return { state: "absent" };
    const { workload, url } = found;
    return { state: "others", version: prometheusVersion(workload), where: url, isReady: serves(workload) };
  },
};

function programOf(facts: ClusterFacts, repository: string, group: string): Found {
  const definitions = definitionsOf(facts.crds, group);
  const program = workloadsOf(facts, repository)[0];
  if (program) {
    const { namespace, name } = program.metadata;
    const version = imageVersion(program, repository);
    return { state: "others", version, where: `${namespace}/${name}`, isReady: serves(program) };
  }
  if (definitions.length === 0) return { state: "absent" };
  return { state: "remains", what: definitions.map(({ metadata }) => metadata.name) };
}

export interface ForeignPrometheus {
  readonly workload: Workload;
  /** As pods reach it. */
  readonly url: string;
  readonly service: Service;
  readonly port: number;
}

/** A Prometheus of somebody else that a Service leads to; one that works before one that does not. */
export function foreignPrometheus(facts: ClusterFacts): ForeignPrometheus | undefined {
  const programs = facts.workloads.filter((one) => !isOurs(one) && prometheusImages.some((image) => runs(one, image)));
  const reached = programs.flatMap((workload) => {
    const services = facts.services.filter((service) => leadsTo(service, workload));
    const service = services.find(({ spec }) => spec.clusterIP !== "None") ?? services[0];
    if (!service) return [];
    const ports = service.spec.ports ?? [];
    const port = (
      ports.find((one) => one.port === 9090) ??
      ports.find((one) => /web|http/.test(one.name ?? "")) ??
      ports[0]
    )?.port;
    if (port === undefined) return [];
    const { namespace, name } = service.metadata;
    const url = `http://${name}.${namespace}${port === 80 ? "" : `:${port}`}`;
    return [{ workload, service, port, url }];
  });
  return reached.find(({ workload }) => serves(workload)) ?? reached[0];
}

/** The project's own, and EKS's. */
const metricsServerImages = ["metrics-server/metrics-server", "eks/metrics-server"];
const prometheusImages = ["prom/prometheus", "prometheus/prometheus"];

function prometheusVersion(workload: Workload): string {
  const image = prometheusImages.find((one) => runs(workload, one));
  return image ? imageVersion(workload, image) : unknown;
}

function leadsTo({ metadata, spec }: Service, workload: Workload): boolean {
  const selector = Object.entries(spec.selector ?? {});
  const labels = workload.spec.template.metadata?.labels ?? {};
  const isInPlace = metadata.namespace === workload.metadata.namespace;
  return isInPlace && selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
}

function workloadsOf(facts: ClusterFacts, repository: string): readonly Workload[] {
  return facts.workloads.filter((one) => !isOurs(one) && runs(one, repository));
}

function runs(workload: Workload, repository: string): boolean {
  return imagesOf(workload).some((image) => tagOf(image, repository) !== undefined);
}

function imageVersion(workload: Workload, repository: string): string {
  const tag = imagesOf(workload)
    .map((image) => tagOf(image, repository))
    .find((one) => one !== undefined);
  return tag !== undefined && /\d/.test(tag) ? tag : unknown;
}

/** Those of the group itself; not of groups whose names only end alike. */
export function definitionsOf(crds: readonly KubeObject[], group: string): readonly KubeObject[] {
  return crds.filter(({ metadata }) => metadata.name.slice(metadata.name.indexOf(".") + 1) === group);
}

function bundleOf({ metadata }: KubeObject): string {
  return metadata.annotations?.[bundleAnnotation] ?? unknown;
}

function versionOf(name: AddonName, objects: readonly KubeObject[]): string {
  if (name === "gateway-api") return objects.map(bundleOf).find((one) => one !== unknown) ?? unknown;
  const tags = objects.flatMap(imagesOf).map((image) => image.split("@")[0]!.match(/:([^/:]+)$/)?.[1]);
  return tags.find((tag) => tag !== undefined) ?? unknown;
}

/** An add-on of several objects that lacks its program does not work. */
function isEach(name: AddonName, objects: readonly KubeObject[], isWell: (workload: Workload) => boolean): boolean {
  const workloads = objects.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet") as Workload[];
  const apis = objects.filter(({ kind }) => kind === "APIService") as (KubeObject & Parameters<typeof isTrue>[0])[];
  const hasProgram = name === "gateway-api" || workloads.length > 0;
  return hasProgram && workloads.every(isWell) && apis.every((api) => isTrue(api, "Available"));
}
