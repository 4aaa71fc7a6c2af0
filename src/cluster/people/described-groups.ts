import { nodeGroupLabel } from "../node-groups.ts";
import type { LaunchTemplate } from "../resources/launch-template.ts";
import type { NodeGroup } from "../resources/node-group.ts";
import { sharesOf } from "../shares.ts";
import { type NodeGroup as GroupOfFile, systemGroup } from "../system-group.ts";

/** What EKS has of node groups. */
export interface GroupsFound {
  readonly nodeGroups: readonly NodeGroup[];
  readonly launchTemplates: readonly LaunchTemplate[];
  /** By the name of the group in EKS; empty where they are not known. */
  readonly priorities: ReadonlyMap<string, number>;
}

/** Pure. @returns the `node_groups` of a file that describes them, by name; the one that is made for add-ons anyway is left out */
export function groupsOfFile(found: GroupsFound): readonly GroupOfFile[] {
  const byName = Map.groupBy(found.nodeGroups, ({ name, labels }) => labels[nodeGroupLabel] ?? name);
  const groups = [...byName].map(([name, parts]) => groupOfFile(name, parts, found));
  const types = new Map(found.nodeGroups.map((one) => typeOf(one)).map((type) => [type.name, type]));
  const isMadeAnyway = (group: GroupOfFile) => {
    const others = groups.filter((one) => one !== group);
    const made = others.length === 0 ? undefined : systemGroup({ node_groups: others }, types);
    return JSON.stringify(made && { ...made, priority: group.priority }) === JSON.stringify(group);
  };
  return groups.filter((group) => !isMadeAnyway(group)).sort((one, other) => (one.name < other.name ? -1 : 1));
}

function groupOfFile(name: string, parts: readonly NodeGroup[], found: GroupsFound): GroupOfFile {
  const spotPart = parts.find(({ isSpot }) => isSpot);
  const onDemand = parts.find(({ isSpot }) => !isSpot);
  const main = spotPart ?? onDemand ?? parts[0]!;
  // A spot group of which all is on demand has the name of a part.
  const isSpot = spotPart !== undefined || main.name !== name;
  const [type = "", ...others] = main.instanceTypes;
  const disk = found.launchTemplates.find(({ templateId }) => templateId === main.launchTemplate?.templateId)?.disk;
  const { type: diskType = "gp3", sizeGB = 50, iops, throughput } = disk ?? {};
  const sizes = parts.reduce((sum, { min, max }) => ({ min: sum.min + min, max: sum.max + max }), { min: 0, max: 0 });
  const group: GroupOfFile = {
    name,
    instance_type: type,
    min_instances: sizes.min,
    max_instances: sizes.max,
    priority: found.priorities.get(main.name) ?? 1,
    instance_volume_size: sizeGB,
    instance_volume_type: diskType,
    instance_volume_iops: iops === undefined || iops === 3000 ? null : iops,
    instance_volume_throughput: throughput === undefined || throughput === 125 ? null : throughput,
    spot: isSpot,
    spot_config: null,
  };
  return isSpot ? { ...group, spot_config: spotConfigOf(group, others, onDemand) } : group;
}

type SpotConfig = NonNullable<GroupOfFile["spot_config"]>;

/** @returns the least that makes a group have as many on demand as it has; null where nothing has to be said */
function spotConfigOf(
  group: GroupOfFile,
  others: readonly string[],
  onDemand: NodeGroup | undefined,
): SpotConfig | null {
  const plain: SpotConfig = {
    instance_distribution: others.length === 0 ? null : [...others],
    on_demand_base_capacity: 0,
    on_demand_percentage_above_base_capacity: 0,
    max_price: null,
    instance_pools: null,
  };
  if (!onDemand) return others.length === 0 ? null : plain;
  for (let percentage = 0; percentage <= 100; percentage += 1) {
    for (let base = 0; base <= onDemand.max; base += 1) {
      const config = {
        ...plain,
        on_demand_base_capacity: base,
        on_demand_percentage_above_base_capacity: percentage,
      };
      const [share] = sharesOf({ ...group, spot_config: config });
      const isSame = share?.market === "on-demand" && share.min === onDemand.min && share.max === onDemand.max;
      if (isSame) return config;
    }
  }
  // Sizes that somebody gave it by hand.
  return { ...plain, on_demand_base_capacity: onDemand.max };
}

/** As far as it matters where add-ons can run. */
function typeOf({ instanceTypes: [name = ""], taints, amiType }: NodeGroup) {
  const has = (key: string) => (taints.some((taint) => taint.key === key) ? 1 : 0);
  const architecture = amiType.includes("ARM_64") ? ("arm64" as const) : ("amd64" as const);
  const [gpus, infs] = [has("nvidia.com/gpu"), has("aws.amazon.com/neuron")];
  return { name, vcpus: 0, memoryMiB: 0, gpus, infs, architecture };
}
