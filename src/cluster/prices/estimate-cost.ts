import type { Cost, CostLine, Range } from "../../core/cloud-cluster.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts } from "../facts.ts";
import { typesOf } from "../preflight/instance-types.ts";
import { sharesOf } from "../shares.ts";
import { type NodeGroup, systemGroup } from "../system-group.ts";
import type { PriceKey } from "./products.ts";
import type { Prices } from "./read-prices.ts";

export interface Estimated {
  readonly cluster: Cluster;
  readonly facts: Pick<Facts, "zones" | "instanceTypes" | "versionSupport">;
}

type Disk = Pick<
  NodeGroup,
  "instance_volume_size" | "instance_volume_type" | "instance_volume_iops" | "instance_volume_throughput"
>;

/** What a control plane costs beside its price when its version has outlived its standard support. */
export const extendedSupport = "extended support of its Kubernetes version";

/** Included in the price of a gp3 disk. */
const includedIops = 3000;
const includedThroughput = 125;

/** @returns every price that `estimateCost` asks for */
export function priceKeysOf({ cluster, facts }: Estimated): readonly PriceKey[] {
  const groups = allGroups(cluster, facts);
  const keys = groups.flatMap((group): PriceKey[] => [
    ...typesOf(group).map((type) => `instance/${type}` as const),
    ...diskKeys(group),
  ]);
  const others: PriceKey[] = [
    "control-plane",
    ...(facts.versionSupport?.isExtended ? (["control-plane-extended-support"] as const) : []),
    balancerKey(cluster),
    "public-address",
  ];
  return [...new Set([...keys, ...others, ...(natGateways(cluster, facts) > 0 ? (["nat-gateway"] as const) : [])])];
}

/** @returns instance types whose price on the spot market `estimateCost` asks for */
export function spotTypesOf({ node_groups: groups }: Cluster): readonly string[] {
  return [...new Set(groups.filter(({ spot }) => spot).flatMap(typesOf))];
}

/** Pure. What a cluster costs from its smallest to its largest; traffic, stored data and logs come on top. */
export function estimateCost(estimated: Estimated, prices: Prices): Cost {
  const { cluster, facts } = estimated;
  const nats = natGateways(cluster, facts);
  const groups = cluster.node_groups.map((group) => groupLine(`node group ${group.name}`, group, prices));
  const system = systemGroup(cluster, facts.instanceTypes);
  return costOf(
    [
      line("EKS control plane", "control-plane", 1, prices),
      ...(facts.versionSupport?.isExtended ? [line(extendedSupport, "control-plane-extended-support", 1, prices)] : []),
      ...groups,
      ...(system ? [groupLine("add-ons", system, prices)] : []),
      ...(nats > 0 ? [line(nats === 1 ? "NAT gateway" : `${nats} NAT gateways`, "nat-gateway", nats, prices)] : []),
      line(
        cluster.api_load_balancer_type === "nlb" ? "network load balancer" : "load balancer",
        balancerKey(cluster),
        1,
        prices,
      ),
      ...addressLine(estimated, system, nats, prices),
    ],
    prices,
  );
}

/** Sums up. */
export function costOf(lines: readonly CostLine[], { of, isCached }: Pick<Prices, "of" | "isCached">): Cost {
  const perHour = sum(lines.flatMap((one) => one.perHour ?? []));
  return { lines, perHour, pricesOf: of, isCached };
}

export function sum(ranges: readonly Range[]): Range {
  return ranges.reduce((total, { min, max }) => ({ min: total.min + min, max: total.max + max }), { min: 0, max: 0 });
}

/** @returns `1 to 5`, or `3` where both are the same */
export function countText(min: number, max: number): string {
  return min === max ? String(min) : `${min} to ${max}`;
}

/** @returns what a disk costs per hour; undefined when a price is not known */
export function diskPerHour(disk: Disk, prices: Prices): number | undefined {
  const { instance_volume_size: size, instance_volume_type: type } = disk;
  const { iops, throughput } = provisioned(disk);
  const parts = [
    times(prices.perHour(`volume/${type}`), size),
    iops > 0 ? times(prices.perHour(`volume-iops/${type}`), iops) : 0,
    throughput > 0 ? times(prices.perHour(`volume-throughput/${type}`), throughput) : 0,
  ];
  return parts.reduce((total, part) => (total === undefined || part === undefined ? undefined : total + part), 0);
}

export function diskKeys(disk: Disk): PriceKey[] {
  const type = disk.instance_volume_type;
  const { iops, throughput } = provisioned(disk);
  return [
    `volume/${type}`,
    ...(iops > 0 ? ([`volume-iops/${type}`] as const) : []),
    ...(throughput > 0 ? ([`volume-throughput/${type}`] as const) : []),
  ];
}

/** What is paid for beyond the size of a disk. */
function provisioned({ instance_volume_type: type, ...disk }: Disk): { iops: number; throughput: number } {
  if (type === "io1") return { iops: disk.instance_volume_iops ?? includedIops, throughput: 0 };
  if (type !== "gp3") return { iops: 0, throughput: 0 };
  return {
    iops: Math.max(0, (disk.instance_volume_iops ?? 0) - includedIops),
    throughput: Math.max(0, (disk.instance_volume_throughput ?? 0) - includedThroughput),
  };
}

function groupLine(title: string, group: NodeGroup, prices: Prices): CostLine {
  const { instance_type, min_instances: min, max_instances: max, spot, instance_volume_size: size } = group;
  const types = typesOf(group);
  const type = types.length > 1 ? `${instance_type} and ${types.length - 1} other types` : instance_type;
  const market = spot ? ", spot" : "";
  const what = `${title}: ${countText(min, max)} ${type}${market}, ${size} GB each`;
  const perHour = groupPerHour(group, prices);
  return { what, ...(perHour && { perHour }) };
}

function groupPerHour(group: NodeGroup, prices: Prices): Range | undefined {
  const onDemand = prices.perHour(`instance/${group.instance_type}`);
  const disk = diskPerHour(group, prices);
  const ranges = sharesOf(group).map(({ market, min, max }) => {
    const highest = market === "spot" ? highestSpot(group, prices) : onDemand;
    const lowest = market === "spot" ? (lowestSpot(group, prices) ?? highest) : onDemand;
    if (lowest === undefined || highest === undefined || disk === undefined) return undefined;
    return { min: min * (Math.min(lowest, highest) + disk), max: max * (highest + disk) };
  });
  const known = ranges.flatMap((range) => range ?? []);
  return known.length < ranges.length ? undefined : sum(known);
}

function lowestSpot(group: NodeGroup, prices: Prices): number | undefined {
  const known = typesOf(group).flatMap((type) => prices.spot(type) ?? []);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The spot market never takes more than an instance costs on demand; EKS sets no other limit. */
function highestSpot(group: NodeGroup, prices: Prices): number | undefined {
  const known = typesOf(group).flatMap((type) => prices.perHour(`instance/${type}`) ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** Every public address costs: of instances, NAT gateways, and of a load balancer in each zone. */
function addressLine(
  { cluster, facts }: Estimated,
  system: NodeGroup | undefined,
  nats: number,
  prices: Prices,
): readonly CostLine[] {
  const groups = cluster.subnet_visibility === "public" ? [...cluster.node_groups, ...(system ? [system] : [])] : [];
  const balancer = cluster.api_load_balancer_scheme === "internet-facing" ? facts.zones.length : 0;
  const least = nats + balancer;
  const min = groups.reduce((total, group) => total + group.min_instances, least);
  const max = groups.reduce((total, group) => total + group.max_instances, least);
  if (max === 0) return [];
  const price = prices.perHour("public-address");
  const perHour = price === undefined ? undefined : { min: min * price, max: max * price };
  return [{ what: `public IPv4 addresses: ${countText(min, max)}`, ...(perHour && { perHour }) }];
}

/** Pure. @returns how many NAT gateways a cluster has */
export function natGateways(cluster: Cluster, { zones }: Estimated["facts"]): number {
  if (cluster.subnets) return 0;
  const mode = cluster.nat_gateway ?? (cluster.subnet_visibility === "private" ? "single" : "none");
  return { none: 0, single: 1, highly_available: zones.length }[mode];
}

function balancerKey({ api_load_balancer_type: type }: Cluster): PriceKey {
  return type === "nlb" ? "network-load-balancer" : "classic-load-balancer";
}

function allGroups(cluster: Cluster, { instanceTypes }: Estimated["facts"]): readonly NodeGroup[] {
  const system = systemGroup(cluster, instanceTypes);
  return system ? [...cluster.node_groups, system] : cluster.node_groups;
}

function line(what: string, key: PriceKey, count: number, prices: Prices): CostLine {
  const price = prices.perHour(key);
  return { what, ...(price !== undefined && { perHour: { min: count * price, max: count * price } }) };
}

function times(price: number | undefined, count: number): number | undefined {
  return price === undefined ? undefined : price * count;
}
