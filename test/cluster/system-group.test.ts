import { expect, test } from "vitest";
import { sharesOf } from "../../src/cluster/shares.ts";
import { systemGroup } from "../../src/cluster/system-group.ts";
import { clusterFrom, groupFrom, types } from "./support/clusters.ts";

const groupOf = async (groups: string) => {
  const group = systemGroup(await clusterFrom(`node_groups: [${groups}]`), types);
  return group && `${group.name} ${group.instance_type}`;
};

test("add-ons run on a group that always keeps an instance on demand", async () => {
  expect(await groupOf("{name: cpu, instance_type: m5.large}")).toBeUndefined();
  expect(
    await groupOf(
      "{name: cpu, instance_type: m5.large, spot: true, min_instances: 1, spot_config: {on_demand_base_capacity: 1}}",
    ),
  ).toBeUndefined();
});

test.each([
  ["that may go to zero", "{name: cpu, instance_type: m5.large, min_instances: 0}"],
  ["that is bought on the spot market", "{name: cpu, instance_type: m5.large, spot: true}"],
  ["that is kept for pods with a GPU", "{name: gpu, instance_type: g4dn.xlarge}"],
  ["that is kept for pods with an Inferentia chip", "{name: inf, instance_type: inf1.xlarge}"],
])("add-ons get a group of their own beside one %s", async (_, group) => {
  expect(await groupOf(group)).toBe("system t3.medium");
});

test("the group of add-ons has the processors that all others have, and a name of its own", async () => {
  expect(await groupOf("{name: system, instance_type: m6g.large, min_instances: 0}")).toBe("cortex-system t4g.medium");
  expect(
    await groupOf(
      "{name: cpu, instance_type: m5.large, min_instances: 0}, {name: arm, instance_type: m6g.large, min_instances: 0}",
    ),
  ).toBe("system t3.medium");
});

test.each([
  ["min_instances: 1, max_instances: 4", "on-demand 1-4"],
  ["spot: true, min_instances: 1, max_instances: 4", "spot 1-4"],
  [
    "spot: true, min_instances: 3, max_instances: 10, spot_config: {on_demand_base_capacity: 2, on_demand_percentage_above_base_capacity: 50}",
    "on-demand 3-6, spot 0-4",
  ],
  [
    "spot: true, min_instances: 0, max_instances: 10, spot_config: {on_demand_base_capacity: 2}",
    "on-demand 0-2, spot 0-8",
  ],
  [
    "spot: true, min_instances: 1, max_instances: 2, spot_config: {on_demand_percentage_above_base_capacity: 100}",
    "on-demand 1-2",
  ],
])("a group with %s has %s", async (fields, expected) => {
  const shares = sharesOf(await groupFrom(`name: cpu, instance_type: m5.large, ${fields}`));
  expect(shares.map(({ market, min, max }) => `${market} ${min}-${max}`).join(", ")).toBe(expected);
});
