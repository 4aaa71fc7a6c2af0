import type { WalkFailure, WalkListener } from "../core/cloud-cluster.ts";
import {
  type AddonEvent,
  type AddonName,
  type AddonPlan,
  apiAddonNames,
  type CloudSettings,
  cloudAddonNames,
  type InstallPlan,
  isNothingToDo,
} from "../core/cluster.ts";
import type { PlannedChange, WalkEvent } from "../core/graph/plan.ts";
import type { KubeClient } from "../kubernetes/kube-client.ts";
import { clusterConfig } from "../kubernetes/labels.ts";
import { type KubeObject, resource } from "../kubernetes/objects.ts";
import type { Cluster } from "../spec/parse-cluster.ts";
import { pinnedVersion } from "./addons/decide.ts";
import { addressOf, install } from "./addons/install.ts";
import { cloudObjects, cloudVersion } from "./addons/plan-cloud.ts";
import { planInstall } from "./addons/plan-install.ts";
import { cloudSettings, type WrittenSettings } from "./addons/settings-objects.ts";

/** What lives in the cluster once AWS is done: what APIs use, and what a cluster on AWS has besides. */
export interface InsideOptions {
  readonly client: KubeClient;
  readonly cloud: CloudSettings;
  /** Folder of manifests, instead of their addresses on the internet. */
  readonly addonsDir?: string | undefined;
  /** Of Cortex. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** For all of it; default ten minutes. */
  readonly timeoutMs?: number;
}

export interface InsideOutcome {
  readonly failures: readonly WalkFailure[];
  /** Where APIs are reached, `http://…elb.amazonaws.com`; undefined: the Gateway has no address yet. */
  readonly apiEndpoint?: string;
}

/** A node group as the cloud knows it. */
interface Group {
  readonly name: string;
  /** That of cluster.yaml. */
  readonly group: string;
  readonly priority: number;
  readonly taints: readonly { readonly key: string }[];
}

/** What is written down of a cluster inside it. @param groups those of EKS @param logGroup of containers */
export function insideSettings(
  cluster: Cluster,
  kubernetesVersion: string,
  groups: readonly Group[],
  logGroup: string,
): CloudSettings {
  const { api_load_balancer_type: type, api_load_balancer_scheme: scheme, ssl_certificate_arn: arn } = cluster;
  return {
    provider: "aws",
    cluster: cluster.cluster_name,
    region: cluster.region,
    kubernetesVersion,
    logGroup,
    nodeGroups: groups.map(({ name, group, priority, taints }) => {
      const devices = taints.map(({ key }) => deviceOf[key]).find((one) => one !== undefined);
      return { name, priority, label: group, ...(devices && { devices }) };
    }),
    loadBalancer: {
      type,
      scheme,
      whiteList: cluster.api_load_balancer_cidr_white_list ?? [],
      ...(arn !== null && { certificateArn: arn }),
      tags: cluster.tags,
    },
  };
}

/** By the taint that keeps other pods away from nodes with devices. */
const deviceOf: Readonly<Record<string, "gpu" | "inf">> = { "nvidia.com/gpu": "gpu", "aws.amazon.com/neuron": "inf" };

/** What `cluster up` wrote down inside the cluster; undefined: it is none of ours, or was never finished. */
export async function writtenSettings(client: KubeClient, signal: AbortSignal): Promise<CloudSettings | undefined> {
  const { namespace, name } = clusterConfig;
  const found = await client.get<KubeObject & { data?: WrittenSettings }>(resource.configMap, namespace, name, signal);
  return cloudSettings(found?.data);
}

/** EKS brings the metrics server. */
const skip: readonly AddonName[] = ["metrics-server"];

/** Reads the cluster and decides; changes nothing. @throws NOT_SUPPORTED with every reason why it cannot be done */
export function planInside(
  options: InsideOptions,
  onDownload: (addon: AddonName) => void,
  signal: AbortSignal,
): Promise<InstallPlan> {
  const { client, cloud, addonsDir, now } = options;
  const wishes = { namespace: "default", cloud, skip, ...(addonsDir !== undefined && { addonsDir }) };
  return planInstall(wishes, { client, now, onDownload }, signal);
}

/** Does what is planned, each add-on a line of its own. One that fails stops no other; run again it goes on. Nothing is fine. */
export async function applyInside(
  plan: InstallPlan,
  options: InsideOptions,
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<InsideOutcome> {
  const { client, version, now, timeoutMs = 600_000 } = options;
  if (isNothingToDo(plan)) {
    const address = plan.gateway === undefined ? undefined : await addressOf(client, plan.gateway, signal);
    return { failures: [], ...(address !== undefined && { apiEndpoint: address }) };
  }
  const tell = walkEvents(plan, now, onEvent);
  const installed = await install(plan, { client, version, timeoutMs, onEvent: tell, signal });
  return {
    failures: installed.failures.map(({ addon, error }) => ({ id: insideId(addon), title: insideTitle, error })),
    ...(installed.address !== undefined && { apiEndpoint: installed.address }),
  };
}

/**
 * The plan's part for people, one change per add-on.
 * @param plan undefined: there is no cluster to look into yet, and all of it is to come
 */
export function insideChanges(
  cloud: CloudSettings,
  plan: InstallPlan | undefined,
  needs: readonly string[],
): readonly PlannedChange[] {
  const rows = plan ? plan.addons.map((addon) => ({ ...addon, action: actionOf(addon) })) : toCome(cloud);
  const shown = rows.filter(({ name }) => !skip.includes(name));
  const isWhole = plan === undefined || isNothingToDo(plan) || shown.some(({ action }) => action !== "keep");
  // Only settings differ: that is one change, too.
  const settings = isWhole ? [] : [{ name: "settings" as const, version: "", action: "update" as const }];
  return [...shown, ...settings].map(({ name, version, action }) => ({
    id: insideId(name),
    title: insideTitle,
    label: name,
    action,
    ...(version !== "" && { detail: version }),
    differences: [],
    needs,
    expectedMs: action === "keep" ? 0 : typicalMs,
  }));
}

/** As long as the slowest of them, the gateway, which waits for a load balancer. */
const typicalMs = 60_000;

interface ToCome {
  readonly name: AddonName;
  readonly version: string;
  readonly action: PlannedChange["action"];
}

function toCome(cloud: CloudSettings): readonly ToCome[] {
  const forApis = apiAddonNames.map((name) => ({
    name,
    version: name === "gateway" ? cloud.loadBalancer.type : pinnedVersion(name),
  }));
  const forCloud = cloudAddonNames
    .filter((name) => cloudObjects(name, cloud, []).length > 0)
    .map((name) => ({ name, version: cloudVersion(name, cloud) }));
  return [...forApis, ...forCloud].map((one) => ({ ...one, action: "create" }));
}

function actionOf({ action }: AddonPlan): PlannedChange["action"] {
  if (action === "install") return "create";
  if (action === "complete" || action === "update") return "update";
  return action === "remove" ? "remove" : "keep";
}

const insideTitle = "in the cluster";

export function insideId(addon: AddonName | "settings"): string {
  return `inside/${addon}`;
}

const phases: Readonly<Record<AddonEvent["phase"], WalkEvent["phase"]>> = {
  pending: "waiting",
  downloading: "running",
  applying: "running",
  waiting: "running",
  ready: "done",
  removing: "running",
  gone: "done",
  failed: "failed",
};

function walkEvents(plan: InstallPlan, now: () => number, onEvent: WalkListener): (event: AddonEvent) => void {
  const actions = new Map(plan.addons.map((addon) => [addon.name, actionOf(addon)]));
  const begun = new Map<string, number>();
  return ({ addon, phase, detail }) => {
    const startedAt = begun.get(addon) ?? now();
    begun.set(addon, startedAt);
    onEvent({
      id: insideId(addon),
      title: insideTitle,
      phase: phases[phase],
      action: addon === "settings" ? "update" : (actions.get(addon) ?? "update"),
      elapsedMs: now() - startedAt,
      detail: detail ?? phase,
    });
  };
}
