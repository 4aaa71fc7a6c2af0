import { expect, test } from "vitest";
import { managedGroups } from "../../../src/cluster/node-groups.ts";
import { groupsOfFile } from "../../../src/cluster/people/described-groups.ts";
import type { LaunchTemplate } from "../../../src/cluster/resources/launch-template.ts";
import type { NodeGroup } from "../../../src/cluster/resources/node-group.ts";
import { clusterFrom, types } from "../support/clusters.ts";

/** What EKS has once a file was brought about. */
async function foundOf(text: string) {
  const cluster = await clusterFrom(text);
  const groups = managedGroups(cluster, { instanceTypes: types });
  const nodeGroups = groups.map((group) => ({
    ...group,
    launchTemplate: { templateId: `lt-${group.name}`, version: 1 },
  }));
  const launchTemplates = groups.map(({ name, disk }) => ({ templateId: `lt-${name}`, disk }));
  return {
    cluster,
    found: {
      nodeGroups: nodeGroups as unknown as readonly NodeGroup[],
      launchTemplates: launchTemplates as unknown as readonly LaunchTemplate[],
      priorities: new Map(groups.map(({ name, priority }) => [name, priority])),
    },
  };
}

test.each([
  "[{name: cpu, instance_type: m5.large}]",
  "[{name: cpu, instance_type: m5.large, min_instances: 2, max_instances: 2, priority: 7, instance_volume_size: 80}]",
  "[{name: a, instance_type: m5.large}, {name: disk, instance_type: m5.large, instance_volume_type: io1, instance_volume_iops: 2000}]",
  "[{name: gpu, instance_type: g4dn.xlarge, min_instances: 0}]",
  "[{name: spot, instance_type: m5.large, spot: true, spot_config: {instance_distribution: [m5a.large]}}]",
  "[{name: spot, instance_type: m5.large, max_instances: 9, spot: true, spot_config: {on_demand_base_capacity: 2}}]",
  "[{name: arm, instance_type: m6g.large, min_instances: 0}, {name: system, instance_type: m6g.large, min_instances: 0}]",
])("the groups of a file are told from what EKS has: %s", async (groups) => {
  const { cluster, found } = await foundOf(`node_groups: ${groups}\n`);
  const told = groupsOfFile(found);
  expect(told.map((one) => ({ ...one, spot_config: null }))).toEqual(
    cluster.node_groups.map((one) => ({ ...one, spot_config: null })),
  );
  // Several ways of writing it come to the same.
  const again = managedGroups({ node_groups: [...told] }, { instanceTypes: types });
  expect(again).toEqual(managedGroups(cluster, { instanceTypes: types }));
});

test("a percentage on demand comes to the same sizes", async () => {
  const text =
    "node_groups: [{name: s, instance_type: m5.large, min_instances: 2, max_instances: 10, spot: true, spot_config: {on_demand_base_capacity: 1, on_demand_percentage_above_base_capacity: 50}}]\n";
  const { cluster, found } = await foundOf(text);
  const again = managedGroups({ node_groups: [...groupsOfFile(found)] }, { instanceTypes: types });
  expect(again).toEqual(managedGroups(cluster, { instanceTypes: types }));
});
