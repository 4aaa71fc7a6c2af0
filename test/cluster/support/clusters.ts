import type { InstanceType } from "../../../src/cluster/facts.ts";
import type { PriceKey } from "../../../src/cluster/prices/products.ts";
import type { Prices } from "../../../src/cluster/prices/read-prices.ts";
import type { NodeGroup } from "../../../src/cluster/system-group.ts";
import { type Cluster, parseCluster } from "../../../src/spec/parse-cluster.ts";

/** A cluster as a file with only what matters describes it. */
export async function clusterFrom(text: string): Promise<Cluster> {
  const region = /^region:/m.test(text) ? "" : "region: us-east-1\n";
  const { cluster } = await parseCluster({ file: "cluster.yaml", text: region + text, variables: {} });
  return cluster;
}

/** @param fields YAML in one line: `name: cpu, instance_type: m5.large` */
export async function groupFrom(fields: string): Promise<NodeGroup> {
  const { node_groups: groups } = await clusterFrom(`node_groups: [{${fields}}]`);
  return groups[0]!;
}

export function instanceType(name: string, changes: Partial<InstanceType> = {}): InstanceType {
  return { name, vcpus: 2, memoryMiB: 8192, gpus: 0, infs: 0, architecture: "amd64", ...changes };
}

export const types: ReadonlyMap<string, InstanceType> = new Map(
  [
    instanceType("t3.medium", { memoryMiB: 4096 }),
    instanceType("t4g.medium", { memoryMiB: 4096, architecture: "arm64" }),
    instanceType("m5.large"),
    instanceType("m5a.large"),
    instanceType("m6g.large", { architecture: "arm64" }),
    instanceType("c5.large", { memoryMiB: 4096 }),
    instanceType("g4dn.xlarge", { vcpus: 4, memoryMiB: 16_384, gpus: 1 }),
    instanceType("inf1.xlarge", { vcpus: 4, infs: 1 }),
  ].map((type) => [type.name, type]),
);

/** Prices that are easy to reckon with. */
export function pricesWith(
  known: Readonly<Partial<Record<PriceKey, number>>>,
  spot: Readonly<Record<string, number>> = {},
): Prices {
  return {
    perHour: (key) => known[key],
    spot: (type) => spot[type],
    of: "2026-11-26",
    isCached: false,
    warnings: [],
  };
}
