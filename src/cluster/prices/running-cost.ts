import type { Cost, CostLine } from "../../core/cloud-cluster.ts";
import type { Market } from "../shares.ts";
import { costOf, countText, extendedSupport } from "./estimate-cost.ts";
import type { PriceKey } from "./products.ts";
import type { Prices } from "./read-prices.ts";

export interface RunningInstance {
  readonly id: string;
  readonly type: string;
  readonly market: Market;
  /** Of the spot price. */
  readonly zone: string;
  /** Empty: of none. */
  readonly nodeGroup: string;
  readonly hasPublicAddress: boolean;
}

export interface RunningVolume {
  readonly type: string;
  readonly sizeGb: number;
  readonly iops: number;
  /** MB per second. */
  readonly throughput: number;
}

/** What of a cluster costs money now, by the hour. */
export interface Running {
  /** Undefined: there is no control plane. `extended`: its version has outlived its standard support, which costs more. */
  readonly controlPlane?: { readonly support: "standard" | "extended" };
  readonly instances: readonly RunningInstance[];
  readonly volumes: readonly RunningVolume[];
  readonly natGateways: number;
  readonly networkLoadBalancers: number;
  readonly classicLoadBalancers: number;
  /** Of load balancers and NAT gateways, and those held for nothing; those of instances aside. */
  readonly addresses: number;
}

const includedIops: Readonly<Record<string, number>> = { gp3: 3000 };
const includedThroughput: Readonly<Record<string, number>> = { gp3: 125 };

/** @returns every price that `runningCost` asks for */
export function runningPriceKeys(running: Running): readonly PriceKey[] {
  const keys: PriceKey[] = [
    ...running.instances.map(({ type }) => `instance/${type}` as const),
    ...running.volumes.flatMap(({ type, iops, throughput }): PriceKey[] => [
      `volume/${type}`,
      ...(paidIops({ type, iops }) > 0 ? ([`volume-iops/${type}`] as const) : []),
      ...(paidThroughput({ type, throughput }) > 0 ? ([`volume-throughput/${type}`] as const) : []),
    ]),
    ...linesOf(running).map(({ key }) => key),
  ];
  return [...new Set(keys)];
}

/** Pure. */
export function runningCost(running: Running, prices: Prices): Cost {
  return costOf(
    [
      ...linesOf(running).flatMap(({ what, key, count, isFirst }) =>
        isFirst ? [fixedLine(what, key, count, prices)] : [],
      ),
      ...instanceLines(running.instances, prices),
      ...volumeLine(running.volumes, prices),
      ...linesOf(running).flatMap(({ what, key, count, isFirst }) =>
        isFirst ? [] : [fixedLine(what, key, count, prices)],
      ),
    ],
    prices,
  );
}

/** @returns what one instance costs per hour, its disks aside */
export function instancePerHour({ type, market }: RunningInstance, prices: Prices): number | undefined {
  const onDemand = prices.perHour(`instance/${type}`);
  return market === "spot" ? (prices.spot(type) ?? onDemand) : onDemand;
}

function linesOf(running: Running) {
  const addresses = running.addresses + running.instances.filter(({ hasPublicAddress }) => hasPublicAddress).length;
  const all: readonly { what: string; key: PriceKey; count: number; isFirst?: boolean }[] = [
    { what: "EKS control plane", key: "control-plane", count: running.controlPlane ? 1 : 0, isFirst: true },
    {
      what: extendedSupport,
      key: "control-plane-extended-support",
      count: running.controlPlane?.support === "extended" ? 1 : 0,
      isFirst: true,
    },
    { what: plural(running.natGateways, "NAT gateway"), key: "nat-gateway", count: running.natGateways },
    {
      what: plural(running.networkLoadBalancers, "network load balancer"),
      key: "network-load-balancer",
      count: running.networkLoadBalancers,
    },
    {
      what: plural(running.classicLoadBalancers, "load balancer"),
      key: "classic-load-balancer",
      count: running.classicLoadBalancers,
    },
    { what: plural(addresses, "public IPv4 address", "es"), key: "public-address", count: addresses },
  ];
  return all.filter(({ count }) => count > 0);
}

function instanceLines(instances: readonly RunningInstance[], prices: Prices): readonly CostLine[] {
  const kinds = Map.groupBy(instances, ({ nodeGroup, type, market }) => JSON.stringify([nodeGroup, type, market]));
  return [...kinds.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, some]) => {
      const { nodeGroup, type, market } = some[0]!;
      const group = nodeGroup === "" ? "instances" : `node group ${nodeGroup}`;
      const what = `${group}: ${some.length} ${type}${market === "spot" ? ", spot" : ""}`;
      return exactLine(what, times(instancePerHour(some[0]!, prices), some.length));
    });
}

function volumeLine(volumes: readonly RunningVolume[], prices: Prices): readonly CostLine[] {
  if (volumes.length === 0) return [];
  const size = volumes.reduce((total, { sizeGb }) => total + sizeGb, 0);
  const costs = volumes.map((volume) => volumePerHour(volume, prices));
  const known = costs.flatMap((cost) => cost ?? []);
  const all = known.length < costs.length ? undefined : known.reduce((total, cost) => total + cost, 0);
  return [exactLine(`${plural(volumes.length, "disk")}, ${countText(size, size)} GB`, all)];
}

/** @returns what a disk costs per hour; undefined when a price is not known */
export function volumePerHour({ type, sizeGb, iops, throughput }: RunningVolume, prices: Prices): number | undefined {
  const parts = [
    [sizeGb, `volume/${type}`],
    [paidIops({ type, iops }), `volume-iops/${type}`],
    [paidThroughput({ type, throughput }), `volume-throughput/${type}`],
  ] as const;
  let total = 0;
  for (const [count, key] of parts) {
    const cost = count > 0 ? times(prices.perHour(key), count) : 0;
    if (cost === undefined) return undefined;
    total += cost;
  }
  return total;
}

function paidIops({ type, iops }: Pick<RunningVolume, "type" | "iops">): number {
  if (type !== "gp3" && type !== "io1" && type !== "io2") return 0;
  return Math.max(0, iops - (includedIops[type] ?? 0));
}

function paidThroughput({ type, throughput }: Pick<RunningVolume, "type" | "throughput">): number {
  return type === "gp3" ? Math.max(0, throughput - (includedThroughput[type] ?? 0)) : 0;
}

function fixedLine(what: string, key: PriceKey, count: number, prices: Prices): CostLine {
  return exactLine(what, times(prices.perHour(key), count));
}

function exactLine(what: string, perHour: number | undefined): CostLine {
  return { what, ...(perHour !== undefined && { perHour: { min: perHour, max: perHour } }) };
}

function times(price: number | undefined, count: number): number | undefined {
  return price === undefined ? undefined : price * count;
}

function plural(count: number, noun: string, ending = "s"): string {
  return count === 1 ? noun : `${count} ${noun}${ending}`;
}
