import type { Instance } from "@aws-sdk/client-ec2";
import type { Aws } from "../../aws/aws.ts";
import { allPages, pagesByToken } from "../pages.ts";
import type { Market } from "../shares.ts";
import { readInstanceTypes } from "./instance-types.ts";
import { processorQuota } from "./quota-list.ts";

/** How much of what AWS limits an account has in a region. */
export interface Usage {
  /** Processors by the code of their limit; `ours`: of this cluster. */
  readonly processors: ReadonlyMap<string, { readonly all: number; readonly ours: number }>;
  readonly addresses: number;
  readonly vpcs: number;
  readonly internetGateways: number;
  /** By the name of the zone. */
  readonly natGateways: ReadonlyMap<string, number>;
  readonly clusters: number;
  readonly networkLoadBalancers: number;
}

/** What instances of an EKS node group are tagged with by AWS itself. */
export const eksClusterTag = "eks:cluster-name";
export const eksNodeGroupTag = "eks:nodegroup-name";

export async function readUsage(aws: Aws, cluster: string, signal: AbortSignal): Promise<Usage> {
  const ec2 = await aws.ec2();
  const [instances, addresses, vpcs, gateways, nats, clusters, balancers] = await Promise.all([
    runningInstances(aws, [], signal),
    ec2.describeAddresses({}, signal),
    pagesByToken((NextToken) => ec2.describeVpcs({ NextToken }, signal)),
    pagesByToken((NextToken) => ec2.describeInternetGateways({ NextToken }, signal)),
    natGatewaysByZone(aws, signal),
    clusterNames(aws, signal),
    loadBalancers(aws, signal),
  ]);
  return {
    processors: await processorsOf(aws, cluster, instances, signal),
    addresses: addresses.Addresses?.length ?? 0,
    vpcs: vpcs.reduce((sum, { Vpcs = [] }) => sum + Vpcs.length, 0),
    internetGateways: gateways.reduce((sum, { InternetGateways = [] }) => sum + InternetGateways.length, 0),
    natGateways: nats,
    clusters: clusters.length,
    networkLoadBalancers: balancers,
  };
}

/** Every instance that is there or about to be, of those that `filters` let through. */
export async function runningInstances(
  aws: Aws,
  filters: readonly { readonly Name: string; readonly Values: string[] }[],
  signal: AbortSignal,
): Promise<readonly Instance[]> {
  const ec2 = await aws.ec2();
  const Filters = [{ Name: "instance-state-name", Values: ["pending", "running"] }, ...filters];
  const found = await pagesByToken((NextToken) => ec2.describeInstances({ Filters, NextToken }, signal));
  return found.flatMap(({ Reservations = [] }) => Reservations.flatMap(({ Instances = [] }) => Instances));
}

export function marketOf({ InstanceLifecycle: lifecycle }: Instance): Market {
  return lifecycle === "spot" ? "spot" : "on-demand";
}

export function tagOf({ Tags = [] }: Pick<Instance, "Tags">, key: string): string | undefined {
  return Tags.find(({ Key }) => Key === key)?.Value;
}

async function processorsOf(aws: Aws, cluster: string, instances: readonly Instance[], signal: AbortSignal) {
  const silent = instances.filter(({ CpuOptions }) => CpuOptions?.CoreCount === undefined);
  const names = silent.flatMap(({ InstanceType }) => InstanceType ?? []);
  const types = names.length > 0 ? await readInstanceTypes(aws, names, signal) : new Map();
  const used = new Map<string, { all: number; ours: number }>();
  for (const instance of instances) {
    const { InstanceType: type = "", CpuOptions: cpu } = instance;
    const quota = processorQuota(type, marketOf(instance));
    if (!quota) continue;
    const isKnown = cpu?.CoreCount !== undefined;
    const count = isKnown ? cpu.CoreCount! * (cpu.ThreadsPerCore ?? 1) : (types.get(type)?.vcpus ?? 0);
    const { all, ours } = used.get(quota.code) ?? { all: 0, ours: 0 };
    const isOurs = tagOf(instance, eksClusterTag) === cluster;
    used.set(quota.code, { all: all + count, ours: ours + (isOurs ? count : 0) });
  }
  return used;
}

async function natGatewaysByZone(aws: Aws, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const ec2 = await aws.ec2();
  const Filter = [{ Name: "state", Values: ["pending", "available"] }];
  const found = await pagesByToken((NextToken) => ec2.describeNatGateways({ Filter, NextToken }, signal));
  const subnets = found.flatMap(({ NatGateways = [] }) => NatGateways.flatMap(({ SubnetId }) => SubnetId ?? []));
  if (subnets.length === 0) return new Map();
  const { Subnets = [] } = await ec2.describeSubnets(
    { Filters: [{ Name: "subnet-id", Values: [...new Set(subnets)] }] },
    signal,
  );
  const zones = new Map(Subnets.map(({ SubnetId, AvailabilityZone }) => [SubnetId, AvailabilityZone ?? ""]));
  const counts = new Map<string, number>();
  for (const subnet of subnets) {
    const zone = zones.get(subnet) ?? "";
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  return counts;
}

export async function clusterNames(aws: Aws, signal: AbortSignal): Promise<readonly string[]> {
  const eks = await aws.eks();
  const pages = await allPages(
    (nextToken) => eks.listClusters({ nextToken }, signal),
    ({ nextToken }) => nextToken,
  );
  return pages.flatMap(({ clusters = [] }) => clusters);
}

async function loadBalancers(aws: Aws, signal: AbortSignal): Promise<number> {
  const balancers = await aws.loadBalancers();
  const pages = await allPages(
    (Marker) => balancers.describeLoadBalancers({ Marker }, signal),
    ({ NextMarker }) => NextMarker,
  );
  const all = pages.flatMap(({ LoadBalancers = [] }) => LoadBalancers);
  return all.filter(({ Type }) => Type === "network").length;
}
