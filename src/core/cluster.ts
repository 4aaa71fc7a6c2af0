import type { CortexError } from "./errors.ts";

/** What APIs use of a cluster beyond Kubernetes itself, in the order in which it is shown. */
export const apiAddonNames = [
  "gateway-api",
  "envoy-gateway",
  "gateway",
  "keda",
  "prometheus",
  "metrics-server",
] as const;
/** What only a cluster has that Cortex made in a cloud: it adds nodes and lets them go, and knows their devices and disks. */
export const cloudAddonNames = [
  "cluster-autoscaler",
  "fluent-bit",
  "storage-class",
  "nvidia-device-plugin",
  "neuron-device-plugin",
] as const;
export const addonNames = [...apiAddonNames, ...cloudAddonNames] as const;
export type AddonName = (typeof addonNames)[number];
export type CloudAddonName = (typeof cloudAddonNames)[number];

/** What a cluster in a cloud is, as far as it matters inside it. Written down there, so that any machine can complete it. */
export interface CloudSettings {
  readonly provider: "aws";
  readonly cluster: string;
  readonly region: string;
  /** `1.34`; the autoscaler is made for one. */
  readonly kubernetesVersion: string;
  /** Where lines go that replicas print. */
  readonly logGroup: string;
  readonly nodeGroups: readonly CloudNodeGroup[];
  readonly loadBalancer: CloudLoadBalancer;
}

export interface CloudNodeGroup {
  /** As the cloud names it: one group of the user's may be two of these. */
  readonly name: string;
  /** The higher, the sooner it grows. */
  readonly priority: number;
  /** Value of the nodes' label `cortex.dev/node-group`. */
  readonly label: string;
  readonly devices?: "gpu" | "inf";
}

export interface CloudLoadBalancer {
  readonly type: "nlb" | "elb";
  readonly scheme: "internet-facing" | "internal";
  /** Address ranges; empty: all. */
  readonly whiteList: readonly string[];
  /** With it also HTTPS, ended by the load balancer. */
  readonly certificateArn?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What an environment says of itself is taken where a wish is silent. */
export interface InstallWishes {
  /** `namespace/name` of a Gateway that is used; without it one is made. */
  readonly gateway?: string;
  /** GatewayClass of the Gateway that is made; without it one of Envoy Gateway is made, too. */
  readonly gatewayClass?: string;
  /** `secret` or `namespace/secret` of type kubernetes.io/tls, for an HTTPS listener. */
  readonly certificate?: string;
  /** Of a Prometheus that is used; without it the cluster's own is, or one is made. */
  readonly prometheus?: string;
  /** Folder of manifests, instead of their addresses on the internet. */
  readonly addonsDir?: string;
  /** Add-ons that are left as they are. */
  readonly skip: readonly AddonName[];
  /** Without it what an earlier run wrote down, and nothing of a cloud where that is nothing. */
  readonly cloud?: CloudSettings;
}

export interface InstallOptions extends InstallWishes {
  /** Namespace of the environment, whose routes the Gateway has to take. */
  readonly namespace: string;
}

/** What is done about one add-on. */
export interface AddonPlan {
  readonly name: AddonName;
  /**
   * `use`: the cluster has it from somebody else; `keep`: Cortex installed it, and all of it is there; `remove`: nothing of the
   * cluster needs it any more.
   */
  readonly action: "install" | "complete" | "update" | "use" | "keep" | "skip" | "remove";
  readonly version: string;
  /** e.g. `kube-system/metrics-server`. */
  readonly where?: string;
  /** What the user should know of it. */
  readonly notes: readonly string[];
  /** What is written, in the order in which it is. */
  readonly objects: readonly unknown[];
  /** What an older version of it brought and this one lacks: it goes once this one works. */
  readonly surplus?: readonly unknown[];
  /** What is written down once it works, for the next time. */
  readonly release?: { readonly version: string; readonly objects: number; readonly source: string };
  /** It is Cortex's own to wait for, and does not work yet. */
  readonly isAwaited: boolean;
}

/** Plain data: what is planned is what is done. */
export interface InstallPlan {
  readonly addons: readonly AddonPlan[];
  /** What every other part needs first, and what is written last. */
  readonly before: readonly unknown[];
  readonly after: readonly unknown[];
  /** What is written down of the cluster, the releases aside. */
  readonly settings: Readonly<Record<string, string>>;
  /** The settings are there already as they should be. */
  readonly isWrittenDown: boolean;
  /** Of the Gateway that is used; undefined when there is none. */
  readonly gateway?: string;
}

export type AddonPhase = "pending" | "downloading" | "applying" | "waiting" | "ready" | "removing" | "gone" | "failed";

export interface AddonEvent {
  readonly addon: AddonName | "settings";
  readonly phase: AddonPhase;
  /** What it waits for, or how far it is. */
  readonly detail?: string;
}

export interface Installed {
  /** `namespace/name`; undefined when there is none. */
  readonly gateway?: string;
  /** Where requests go, e.g. `http://203.0.113.7`; undefined when the Gateway has no address. */
  readonly address?: string;
  readonly prometheus?: string;
  readonly failures: readonly { readonly addon: AddonName | "settings"; readonly error: CortexError }[];
}

/** Something that uses an add-on which is to be removed. */
export interface AddonUse {
  readonly addon: AddonName | "settings";
  /** `ScaledObject models/iris`. */
  readonly object: string;
  /** The API it belongs to; undefined: not ours. */
  readonly api?: string;
}

/** @returns whether applying `plan` would change nothing */
export function isNothingToDo({ addons, before, after, isWrittenDown }: InstallPlan): boolean {
  const isDone = addons.every(
    ({ objects, isAwaited, surplus = [] }) => objects.length === 0 && surplus.length === 0 && !isAwaited,
  );
  return isDone && isWrittenDown && before.length === 0 && after.length === 0;
}

export interface UninstallPlan {
  /** Objects of ours, by add-on. */
  readonly addons: readonly { readonly name: AddonName | "settings"; readonly objects: number }[];
  /** `namespace/name` of every API of Cortex in the cluster. */
  readonly apis: readonly string[];
  readonly uses: readonly AddonUse[];
}

export interface AddonHealth {
  readonly name: AddonName;
  readonly version: string;
  /** `missing`: not in the cluster; APIs do without. */
  readonly status: "ok" | "down" | "missing";
  readonly installedBy: "cortex" | "others" | "";
  readonly warning?: string;
  readonly hint?: string;
}

/** What `cortex cluster` does to the cluster of one environment. */
export interface ClusterAdmin extends AsyncDisposable {
  /** Of the environment. */
  readonly name: string;
  /** Of the kubeconfig. */
  readonly context: string;
  /**
   * Reads the cluster and decides; changes nothing.
   * @throws NOT_SUPPORTED with every reason why it cannot be done; SPEC_INVALID for a manifest that is not what it should be
   */
  planInstall(wishes: InstallWishes, onDownload: (addon: AddonName) => void, signal: AbortSignal): Promise<InstallPlan>;
  /** Does what is planned. One add-on that fails stops no other. Run again it goes on from where it was. */
  install(
    plan: InstallPlan,
    timeoutMs: number,
    onEvent: (event: AddonEvent) => void,
    signal: AbortSignal,
  ): Promise<Installed>;
  planUninstall(signal: AbortSignal): Promise<UninstallPlan>;
  /** Removes what is ours. Run again it goes on from where it was. @throws TIMED_OUT saying what is left */
  uninstall(timeoutMs: number, onEvent: (event: AddonEvent) => void, signal: AbortSignal): Promise<void>;
  health(signal: AbortSignal): Promise<readonly AddonHealth[]>;
}
