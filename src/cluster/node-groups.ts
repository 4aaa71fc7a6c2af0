import type { Cluster } from "../spec/parse-cluster.ts";
import type { Facts, InstanceType } from "./facts.ts";
import { sharesOf } from "./shares.ts";
import { hasDevices, type NodeGroup, systemGroup } from "./system-group.ts";

/** Kinds of machine image that AWS keeps up to date for nodes: Amazon Linux 2023 with what the devices need. */
export type AmiType =
  | "AL2023_x86_64_STANDARD"
  | "AL2023_ARM_64_STANDARD"
  | "AL2023_x86_64_NVIDIA"
  | "AL2023_ARM_64_NVIDIA"
  | "AL2023_x86_64_NEURON";

export interface Disk {
  readonly sizeGB: number;
  readonly type: NodeGroup["instance_volume_type"];
  /** Operations per second. */
  readonly iops?: number;
  /** MiB per second. */
  readonly throughput?: number;
}

/** A node group as EKS knows it: all its instances are bought in one way. */
export interface ManagedGroup {
  /** Of the group in EKS, once per cluster. */
  readonly name: string;
  /** Of the group in cluster.yaml that it is, or is a part of; what nodes carry as `cortex.dev/node-group`. */
  readonly group: string;
  /** The first one is what the user named. */
  readonly instanceTypes: readonly string[];
  readonly isSpot: boolean;
  /** For add-ons: none of cluster.yaml. */
  readonly isSystem: boolean;
  readonly min: number;
  /** Above 0. */
  readonly max: number;
  /** 1 to 100: higher ones grow first. */
  readonly priority: number;
  readonly amiType: AmiType;
  readonly labels: Readonly<Record<string, string>>;
  /** Of effect NoSchedule. */
  readonly taints: readonly { readonly key: string; readonly value: string }[];
  /** AWS Inferentia devices of an instance. */
  readonly infs: number;
  readonly disk: Disk;
  /** The group whose place it takes, since EKS cannot bring that one in order. */
  readonly replaces?: Replaced;
}

export interface Replaced {
  readonly name: string;
  /** Why: `its launch template was removed`. */
  readonly cause: string;
  /** How many instances it should have now. */
  readonly desired: number;
}

/** Of the part of a spot group that is bought on demand. No name of the user's can end so. */
const baseSuffix = "_base";
export const nodeGroupLabel = "cortex.dev/node-group";

/**
 * The groups of `cluster` and, where there is no other place for add-ons, a small one for them, in this order. EKS buys all of a
 * group on the spot market or all of it on demand: what a spot group shall have on demand is a second group beside it.
 * @returns no group where `max_instances` is 0
 */
export function managedGroups(
  cluster: Pick<Cluster, "node_groups">,
  facts: Pick<Facts, "instanceTypes">,
): readonly ManagedGroup[] {
  const system = systemGroup(cluster, facts.instanceTypes);
  return [...cluster.node_groups, ...(system ? [system] : [])]
    .flatMap((group) => partsOf(group, facts.instanceTypes.get(group.instance_type), group === system))
    .filter(({ max }) => max > 0);
}

/**
 * @returns where add-ons can run as soon as it is there: on demand, never empty, not kept for pods with devices; undefined when
 * there is no such group
 */
export function hostGroup(groups: readonly ManagedGroup[]): ManagedGroup | undefined {
  return groups.find(({ isSpot, min, taints }) => !isSpot && min > 0 && taints.length === 0);
}

/** @returns what `cluster` asks of its spot groups that EKS does not do to the letter; empty when there is nothing */
export function spotWarnings({ node_groups }: Pick<Cluster, "node_groups">): readonly string[] {
  return node_groups.flatMap(({ name, spot, spot_config: config }) => {
    if (!spot || !config) return [];
    const field = (key: string) => `node_groups.${name}.spot_config.${key}`;
    const percentage = config.on_demand_percentage_above_base_capacity;
    return [
      ...(config.max_price === null
        ? []
        : [
            `${field("max_price")} is not applied: EKS pays what the market asks, which is never above the on-demand price`,
          ]),
      ...(config.instance_pools === null
        ? []
        : [`${field("instance_pools")} is not applied: AWS takes instances from wherever it has most to spare`]),
      ...(percentage > 0 && percentage < 100
        ? [
            `${field("on_demand_percentage_above_base_capacity")} holds for as few and for as many instances as there may be; ` +
              "between the two the autoscaler decides",
          ]
        : []),
    ];
  });
}

function partsOf(group: NodeGroup, type: InstanceType | undefined, isSystem: boolean): readonly ManagedGroup[] {
  const common = {
    group: group.name,
    isSystem,
    priority: group.priority,
    amiType: amiTypeOf(type),
    labels: { [nodeGroupLabel]: group.name, ...(type && type.gpus > 0 && { [acceleratorLabel]: "nvidia" }) },
    taints: taintsOf(type),
    infs: type?.infs ?? 0,
    disk: diskOf(group),
  };
  const spotTypes = [...new Set([group.instance_type, ...(group.spot_config?.instance_distribution ?? [])])];
  return sharesOf(group).map(({ market, min, max }) => {
    const isSpot = market === "spot";
    const name = group.spot && !isSpot ? `${group.name}${baseSuffix}` : group.name;
    return { ...common, name, instanceTypes: isSpot ? spotTypes : [group.instance_type], isSpot, min, max };
  });
}

/** The cluster autoscaler waits for the devices of a new node that carries it, before it starts another one. */
const acceleratorLabel = "k8s.amazonaws.com/accelerator";

function amiTypeOf(type: InstanceType | undefined): AmiType {
  const isArm = type?.architecture === "arm64";
  if (type && type.infs > 0) return "AL2023_x86_64_NEURON";
  if (type && type.gpus > 0) return isArm ? "AL2023_ARM_64_NVIDIA" : "AL2023_x86_64_NVIDIA";
  return isArm ? "AL2023_ARM_64_STANDARD" : "AL2023_x86_64_STANDARD";
}

/** Instances with devices cost much: pods that need none stay away from them. */
function taintsOf(type: InstanceType | undefined): ManagedGroup["taints"] {
  if (!type || !hasDevices(type)) return [];
  return [{ key: type.infs > 0 ? "aws.amazon.com/neuron" : "nvidia.com/gpu", value: "true" }];
}

function diskOf(group: NodeGroup): Disk {
  const { instance_volume_type: type, instance_volume_iops: iops, instance_volume_throughput: throughput } = group;
  const hasIops = type === "gp3" || type === "io1";
  return {
    sizeGB: group.instance_volume_size,
    type,
    ...(hasIops && { iops: iops ?? 3000 }),
    ...(type === "gp3" && { throughput: throughput ?? 125 }),
  };
}
