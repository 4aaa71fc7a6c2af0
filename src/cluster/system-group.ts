import type { Cluster } from "../spec/parse-cluster.ts";
import type { InstanceType } from "./facts.ts";
import { sharesOf } from "./shares.ts";

export type NodeGroup = Cluster["node_groups"][number];

const instanceTypes = { amd64: "t3.medium", arm64: "t4g.medium" } as const;
/** Every type that `systemGroup` may choose. */
export const systemInstanceTypes: readonly string[] = Object.values(instanceTypes);

/**
 * Add-ons need an instance that is always there, that nobody can buy away, and that is not kept for pods with a device.
 * @param types those of the node groups; one that is not in it is taken for an ordinary one
 * @returns a small group for them; undefined when a group of the user's is such a place
 */
export function systemGroup(
  cluster: Pick<Cluster, "node_groups">,
  types: ReadonlyMap<string, InstanceType>,
): NodeGroup | undefined {
  const groups = cluster.node_groups;
  if (groups.some((group) => alwaysOnDemand(group) > 0 && !hasDevices(types.get(group.instance_type)))) return;
  const isArm = groups.every(({ instance_type }) => types.get(instance_type)?.architecture === "arm64");
  return {
    name: groups.some(({ name }) => name === "system") ? "cortex-system" : "system",
    instance_type: instanceTypes[isArm ? "arm64" : "amd64"],
    min_instances: 1,
    // One runs all that there is as a rule; the second is for add-ons that ask for more.
    max_instances: 2,
    priority: 1,
    instance_volume_size: 20,
    instance_volume_type: "gp3",
    instance_volume_iops: null,
    instance_volume_throughput: null,
    spot: false,
    spot_config: null,
  };
}

/** @returns how many instances of a group are on demand whatever happens */
export function alwaysOnDemand(group: NodeGroup): number {
  return sharesOf(group).find(({ market }) => market === "on-demand")?.min ?? 0;
}

/** Nodes of such a type are kept for pods that ask for a device. */
export function hasDevices(type: InstanceType | undefined): boolean {
  return type !== undefined && (type.gpus > 0 || type.infs > 0);
}
