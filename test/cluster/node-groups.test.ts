import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { InstanceType } from "../../src/cluster/facts.ts";
import { hostGroup, managedGroups, spotWarnings } from "../../src/cluster/node-groups.ts";
import { group, instanceTypes } from "./eks-samples.ts";

function groupsOf(...groups: ReturnType<typeof group>[]) {
  return managedGroups({ node_groups: groups }, { instanceTypes });
}

describe("groups as EKS knows them", () => {
  test("are those of the file, where they are bought on demand", () => {
    expect(groupsOf(group({ name: "cpu", instance_type: "m5.large", min_instances: 2, max_instances: 5 }))).toEqual([
      {
        name: "cpu",
        group: "cpu",
        instanceTypes: ["m5.large"],
        isSpot: false,
        isSystem: false,
        min: 2,
        max: 5,
        priority: 1,
        amiType: "AL2023_x86_64_STANDARD",
        labels: { "cortex.dev/node-group": "cpu" },
        taints: [],
        infs: 0,
        disk: { sizeGB: 50, type: "gp3", iops: 3000, throughput: 125 },
      },
    ]);
  });

  test("are two where a spot group has an on-demand base, and APIs select both by one name", () => {
    const spot = group({
      name: "cpu",
      min_instances: 3,
      max_instances: 10,
      spot: true,
      spot_config: {
        instance_distribution: ["m5a.large", "m5.large"],
        on_demand_base_capacity: 2,
        on_demand_percentage_above_base_capacity: 25,
        max_price: null,
        instance_pools: null,
      },
    });
    const [base, market] = groupsOf(spot);
    expect(base).toMatchObject({ name: "cpu_base", isSpot: false, min: 3, max: 4, instanceTypes: ["m5.large"] });
    expect(market).toMatchObject({
      name: "cpu",
      isSpot: true,
      min: 0,
      max: 6,
      instanceTypes: ["m5.large", "m5a.large"],
    });
    expect([base?.labels, market?.labels]).toEqual([
      { "cortex.dev/node-group": "cpu" },
      { "cortex.dev/node-group": "cpu" },
    ]);
  });

  test("are none where there may be no instance", () => {
    const groups = groupsOf(group({ name: "a" }), group({ name: "b", min_instances: 0, max_instances: 0 }));
    expect(groups.map(({ name }) => name)).toEqual(["a"]);
  });

  test.each([
    ["m6g.large", "AL2023_ARM_64_STANDARD", undefined],
    ["g4dn.xlarge", "AL2023_x86_64_NVIDIA", "nvidia.com/gpu"],
    ["g5g.xlarge", "AL2023_ARM_64_NVIDIA", "nvidia.com/gpu"],
    ["inf2.xlarge", "AL2023_x86_64_NEURON", "aws.amazon.com/neuron"],
    ["unknown.large", "AL2023_x86_64_STANDARD", undefined],
  ])("run on %s with image %s, kept for pods with devices where they cost much", (type, amiType, taint) => {
    const [one] = groupsOf(group({ instance_type: type }));
    expect(one?.amiType).toBe(amiType);
    expect(one?.taints.map(({ key }) => key)).toEqual(taint === undefined ? [] : [taint]);
  });

  test("tell the autoscaler which nodes get GPUs", () => {
    const [one] = groupsOf(group({ instance_type: "g4dn.xlarge" }));
    expect(one?.labels).toMatchObject({ "k8s.amazonaws.com/accelerator": "nvidia" });
  });

  test("have a disk with the settings of its type only", () => {
    const types = (["gp2", "io1"] as const).map(
      (instance_volume_type) => groupsOf(group({ instance_volume_type }))[0]?.disk,
    );
    expect(types).toEqual([
      { sizeGB: 50, type: "gp2" },
      { sizeGB: 50, type: "io1", iops: 3000 },
    ]);
  });
});

describe("a spot group", () => {
  const spot_config = {
    instance_distribution: null,
    on_demand_base_capacity: 2,
    on_demand_percentage_above_base_capacity: 0,
    max_price: null,
    instance_pools: null,
  };

  test("with a base gets what it asks for", () => {
    expect(spotWarnings({ node_groups: [group({ spot: true, spot_config }), group({ spot: true })] })).toEqual([]);
  });

  test("says what EKS does otherwise", () => {
    const more = { ...spot_config, on_demand_percentage_above_base_capacity: 50, max_price: 0.1, instance_pools: 3 };
    const warnings = spotWarnings({ node_groups: [group({ name: "cpu", spot: true, spot_config: more })] });
    expect(warnings).toEqual([
      expect.stringMatching(/^node_groups.cpu.spot_config.max_price is not applied/),
      expect.stringMatching(/^node_groups.cpu.spot_config.instance_pools is not applied/),
      expect.stringMatching(/^node_groups.cpu.spot_config.on_demand_percentage_above_base_capacity holds for/),
    ]);
  });
});

describe("the place for add-ons", () => {
  test("is the first group that is on demand, never empty and not kept for devices", () => {
    const groups = groupsOf(group({ name: "gpu", instance_type: "g4dn.xlarge" }), group({ name: "cpu" }));
    expect(hostGroup(groups)?.name).toBe("cpu");
  });

  test("is made where no group is such a place", () => {
    const groups = groupsOf(group({ name: "gpu", instance_type: "g4dn.xlarge" }), group({ name: "spot", spot: true }));
    expect(hostGroup(groups)).toMatchObject({ name: "system", isSystem: true, instanceTypes: ["t3.medium"] });
  });

  test("is there whatever the file says, and parts of a group add up to it", () => {
    const anyGroup = fc
      .record({
        instance_type: fc.constantFrom(...(instanceTypes as ReadonlyMap<string, InstanceType>).keys()),
        limits: fc.tuple(fc.nat(20), fc.nat(20)),
        spot: fc.boolean(),
        base: fc.nat(25),
        percentage: fc.nat(100),
      })
      .map(({ instance_type, limits, spot, base, percentage }) =>
        group({
          instance_type,
          min_instances: Math.min(...limits),
          max_instances: Math.max(...limits),
          spot,
          spot_config: spot
            ? {
                instance_distribution: null,
                on_demand_base_capacity: base,
                on_demand_percentage_above_base_capacity: percentage,
                max_price: null,
                instance_pools: null,
              }
            : null,
        }),
      );
    fc.assert(
      fc.property(fc.array(anyGroup, { minLength: 1, maxLength: 6 }), (all) => {
        const named = all.map((one, index) => ({ ...one, name: `g${index}` }));
        const groups = groupsOf(...named);
        expect(hostGroup(groups)).toBeDefined();
        expect(new Set(groups.map(({ name }) => name)).size).toBe(groups.length);
        for (const { name, min_instances, max_instances } of named) {
          const parts = groups.filter(({ group: of }) => of === name);
          expect(parts.reduce((sum, { min }) => sum + min, 0)).toBe(min_instances);
          expect(parts.reduce((sum, { max }) => sum + max, 0)).toBe(max_instances);
          expect(parts.every(({ min, max }) => min <= max && max > 0)).toBe(true);
        }
      }),
    );
  });
});
