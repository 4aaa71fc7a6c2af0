import { describe, expect, test } from "vitest";
import { type ManagedGroup, managedGroups } from "../../../src/cluster/node-groups.ts";
import type { LaunchTemplate } from "../../../src/cluster/resources/launch-template.ts";
import type { NodeGroup } from "../../../src/cluster/resources/node-group.ts";
import {
  diskChanges,
  nodeGroupDifferences,
  scalingChange,
  subnetDifferences,
} from "../../../src/cluster/resources/node-group-differences.ts";
import { group, instanceTypes } from "../eks-samples.ts";

const wanted = managedOf({ name: "gpu", instance_type: "g4dn.xlarge", min_instances: 1, max_instances: 5 });

function managedOf(rest: Parameters<typeof group>[0]): ManagedGroup {
  return managedGroups({ node_groups: [group(rest)] }, { instanceTypes })[0] as ManagedGroup;
}

function running(rest: Partial<NodeGroup> = {}): NodeGroup {
  return {
    name: "gpu",
    arn: "arn:aws:eks:us-east-1:123456789012:nodegroup/c/gpu/1",
    status: "ACTIVE",
    version: "1.34",
    releaseVersion: "1.34.2-20261120",
    min: 1,
    max: 5,
    desired: 2,
    instanceTypes: ["g4dn.xlarge"],
    isSpot: false,
    amiType: "AL2023_x86_64_NVIDIA",
    labels: { "cortex.dev/node-group": "gpu", "k8s.amazonaws.com/accelerator": "nvidia", others: "stay" },
    taints: [{ key: "nvidia.com/gpu", value: "true", effect: "NO_SCHEDULE" }],
    subnetIds: ["subnet-a"],
    launchTemplate: { templateId: "lt-1", version: 1 },
    issues: "",
    tags: {},
    ...rest,
  };
}

function template(rest: Partial<LaunchTemplate> = {}): LaunchTemplate {
  const disk = wanted.disk;
  return { templateId: "lt-1", name: "c-gpu", version: 1, diskVersion: 1, disk, tags: {}, ...rest };
}

describe("a node group that runs", () => {
  test("is as it should be", () => {
    expect(nodeGroupDifferences(wanted, running())).toEqual([]);
    expect(scalingChange(wanted, running())).toBeUndefined();
  });

  test("gets other limits, and keeps as many instances as it has where they are within", () => {
    const larger = { ...wanted, max: 8 };
    expect(nodeGroupDifferences(larger, running())).toEqual([
      { field: "node_groups.gpu.max_instances", from: "5", to: "8" },
    ]);
    expect(scalingChange(larger, running())).toEqual({ scalingConfig: { minSize: 1, maxSize: 8 } });
  });

  test("gets as many instances as its limits allow where it has more or fewer", () => {
    const scalingOf = (min: number, max: number, desired: number) =>
      scalingChange({ ...wanted, min, max }, running({ desired }))?.scalingConfig;
    expect(scalingOf(3, 6, 2)).toEqual({ minSize: 3, maxSize: 6, desiredSize: 3 });
    expect(scalingOf(0, 2, 5)).toEqual({ minSize: 0, maxSize: 2, desiredSize: 2 });
  });

  test("gets back labels and taints that somebody took, and keeps those of others", () => {
    const bare = running({ labels: { others: "stay" }, taints: [] });
    expect(nodeGroupDifferences(wanted, bare).map(({ field }) => field)).toEqual([
      "labels.cortex.dev/node-group",
      "labels.k8s.amazonaws.com/accelerator",
      "taints.nvidia.com/gpu",
    ]);
    expect(scalingChange(wanted, bare)).toEqual({
      labels: { addOrUpdateLabels: wanted.labels },
      taints: { addOrUpdateTaints: [{ key: "nvidia.com/gpu", value: "true", effect: "NO_SCHEDULE" }] },
    });
  });

  test.each([
    ["instance_type", running({ instanceTypes: ["g4dn.2xlarge"] })],
    ["spot_config.instance_distribution", running({ instanceTypes: ["g4dn.xlarge", "g5.xlarge"] })],
    ["spot", running({ isSpot: true })],
  ])("keeps its %s: another one takes another group", (name, state) => {
    const [difference] = nodeGroupDifferences(wanted, state);
    expect(difference?.field).toBe(`node_groups.gpu.${name}`);
    expect(difference?.isFixed?.hint).toContain("under another name");
  });

  test("keeps its subnets", () => {
    expect(subnetDifferences(wanted, running(), ["subnet-a", "subnet-b"])).toEqual([]);
    const strays = running({ subnetIds: ["subnet-a", "subnet-elsewhere"] });
    expect(subnetDifferences(wanted, strays, ["subnet-a"])).toMatchObject([
      { field: "subnets", from: "subnet-elsewhere", isFixed: {} },
    ]);
  });

  test("for add-ons is good enough on whatever it runs", () => {
    const system = { ...wanted, isSystem: true };
    expect(nodeGroupDifferences(system, running({ instanceTypes: ["t4g.medium"] }))).toEqual([]);
  });

  test("gets new nodes where the disk is changed, before and after its launch template is", () => {
    const larger = managedOf({ name: "gpu", instance_type: "g4dn.xlarge", instance_volume_size: 100 });
    expect(diskChanges(larger, running(), template())).toEqual([
      { field: "node_groups.gpu.instance_volume_size", from: "50", to: "100" },
    ]);
    const changed = template({ version: 2, diskVersion: 2, disk: larger.disk });
    expect(diskChanges(larger, running(), changed)).toHaveLength(1);
    const exchanged = running({ launchTemplate: { templateId: "lt-1", version: 2 } });
    expect(diskChanges(larger, exchanged, changed)).toEqual([]);
  });

  test("says how to go on when its launch template was removed", () => {
    expect(diskChanges(wanted, running(), template({ templateId: "lt-2" }))).toMatchObject([
      {
        field: "launch template of node group gpu",
        isFixed: { hint: expect.stringContaining("run the same command again") },
      },
    ]);
  });

  test("keeps its nodes where only tags of the launch template changed", () => {
    expect(diskChanges(wanted, running(), template({ version: 3, diskVersion: 1 }))).toEqual([]);
  });

  test("is brought to another version only when that is asked for", () => {
    expect(nodeGroupDifferences(wanted, running(), "1.35")).toEqual([
      { field: "kubernetes_version", from: "1.34", to: "1.35" },
    ]);
  });
});
