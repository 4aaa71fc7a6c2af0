import { expect, test } from "vitest";
import type { Facts } from "../../../src/cluster/facts.ts";
import { estimateCost, priceKeysOf, spotTypesOf } from "../../../src/cluster/prices/estimate-cost.ts";
import { hoursPerMonth } from "../../../src/cluster/prices/products.ts";
import type { Prices } from "../../../src/cluster/prices/read-prices.ts";
import { clusterFrom, pricesWith, types } from "../support/clusters.ts";

const facts = { zones: ["a", "b", "c"].map((name) => ({ name, id: name })), instanceTypes: types };
const prices = pricesWith(
  {
    "control-plane": 0.1,
    "control-plane-extended-support": 0.5,
    "network-load-balancer": 0.02,
    "classic-load-balancer": 0.03,
    "nat-gateway": 0.05,
    "public-address": 0.005,
    "instance/m5.large": 1,
    "instance/m5a.large": 0.9,
    "instance/t3.medium": 0.04,
    "volume/gp3": 0.001,
    "volume/io1": 0.002,
    "volume-iops/gp3": 0.01,
    "volume-throughput/gp3": 0.1,
    "volume-iops/io1": 0.01,
  },
  { "m5.large": 0.4, "m5a.large": 0.3 },
);

async function estimate(text: string, known: Prices = prices, more: Pick<Facts, "versionSupport"> = {}) {
  const { lines, perHour, ...rest } = estimateCost(
    { cluster: await clusterFrom(text), facts: { ...facts, ...more } },
    known,
  );
  const round = (dollars: number) => Math.round(dollars * 1e6) / 1e6;
  const range = (one: { min: number; max: number } | undefined) => one && `${round(one.min)}-${round(one.max)}`;
  return { lines: lines.map((line) => `${line.what} = ${range(line.perHour)}`), perHour: range(perHour), ...rest };
}

test("a cluster costs from its smallest to its largest, disks and public addresses included", async () => {
  expect(
    await estimate("node_groups: [{name: cpu, instance_type: m5.large, min_instances: 1, max_instances: 5}]"),
  ).toEqual({
    lines: [
      "EKS control plane = 0.1-0.1",
      "node group cpu: 1 to 5 m5.large, 50 GB each = 1.05-5.25",
      "network load balancer = 0.02-0.02",
      "public IPv4 addresses: 4 to 8 = 0.02-0.04",
    ],
    perHour: "1.19-5.41",
    pricesOf: "2026-11-26",
    isCached: false,
  });
});

test("a version that has outlived its standard support costs more", async () => {
  const text = "node_groups: [{name: cpu, instance_type: m5.large}]";
  const versionSupport = { isExtended: true };
  const { lines, perHour } = await estimate(text, prices, { versionSupport });
  expect(lines[1]).toBe("extended support of its Kubernetes version = 0.5-0.5");
  expect(perHour).toBe("1.69-5.91");
  const keys = priceKeysOf({ cluster: await clusterFrom(text), facts: { ...facts, versionSupport } });
  expect(keys).toContain("control-plane-extended-support");
});

test("a spot group costs from the cheapest of its types to what is paid at most", async () => {
  const group = (config: string) =>
    `node_groups: [{name: cpu, instance_type: m5.large, min_instances: 2, max_instances: 4, spot: true, instance_volume_size: 20, spot_config: {${config}}}]`;
  const line = async (config: string) => (await estimate(group(config))).lines[1];
  expect(await line("instance_pools: 1")).toBe("node group cpu: 2 to 4 m5.large, spot, 20 GB each = 0.84-4.08");
  expect(await line("instance_distribution: [m5a.large]")).toBe(
    "node group cpu: 2 to 4 m5.large and 1 other types, spot, 20 GB each = 0.64-4.08",
  );
  // EKS takes no limit of the user's.
  expect(await line("max_price: 0.5")).toBe("node group cpu: 2 to 4 m5.large, spot, 20 GB each = 0.84-4.08");
  expect(await line("on_demand_base_capacity: 1")).toBe(
    "node group cpu: 2 to 4 m5.large, spot, 20 GB each = 1.44-4.08",
  );
});

test("add-ons without a place have a line of their own, and so have NAT gateways", async () => {
  const text =
    "node_groups: [{name: cpu, instance_type: m5.large, min_instances: 0}]\nsubnet_visibility: private\nnat_gateway: highly_available\napi_load_balancer_type: elb\napi_load_balancer_scheme: internal\n";
  expect((await estimate(text)).lines).toEqual([
    "EKS control plane = 0.1-0.1",
    "node group cpu: 0 to 5 m5.large, 50 GB each = 0-5.25",
    "add-ons: 1 to 2 t3.medium, 20 GB each = 0.06-0.12",
    "3 NAT gateways = 0.15-0.15",
    "load balancer = 0.03-0.03",
    "public IPv4 addresses: 3 = 0.015-0.015",
  ]);
});

test("operations and throughput of a disk are paid for beyond what is included", async () => {
  const line = async (disk: string) =>
    (
      await estimate(
        `node_groups: [{name: cpu, instance_type: m5.large, max_instances: 1, instance_volume_size: 100, ${disk}}]`,
      )
    ).lines[1];
  expect(await line("instance_volume_iops: 3000, instance_volume_throughput: 125")).toContain("= 1.1-1.1");
  expect(await line("instance_volume_iops: 3010, instance_volume_throughput: 135")).toContain("= 2.2-2.2");
  expect(await line("instance_volume_type: io1, instance_volume_iops: 100")).toContain("= 2.2-2.2");
});

test("what has no price is said to have none, and the sum goes without it", async () => {
  const { lines, perHour } = await estimate(
    "node_groups: [{name: cpu, instance_type: c5.large}]",
    pricesWith({ "control-plane": 0.1, "network-load-balancer": 0.02 }),
  );
  expect(lines[1]).toBe("node group cpu: 1 to 5 c5.large, 50 GB each = undefined");
  expect(perHour).toBe("0.12-0.12");
});

test("every price that is reckoned with is asked for", async () => {
  const cluster = await clusterFrom(
    "node_groups: [{name: cpu, instance_type: m5.large, spot: true, spot_config: {instance_distribution: [m5a.large]}, instance_volume_iops: 4000}]\nsubnet_visibility: private\n",
  );
  const asked = new Set<string>();
  const noting: Prices = {
    ...prices,
    perHour(key) {
      asked.add(key);
      return 1;
    },
    spot: () => undefined,
  };
  estimateCost({ cluster, facts }, noting);
  const keys = new Set<string>(priceKeysOf({ cluster, facts }));
  expect([...asked].filter((key) => !keys.has(key))).toEqual([]);
  expect(spotTypesOf(cluster)).toEqual(["m5.large", "m5a.large"]);
  expect(hoursPerMonth).toBe(730);
});
