import type { Instance, Volume } from "@aws-sdk/client-ec2";
import type { Cluster as EksCluster } from "@aws-sdk/client-eks";
import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import { allPages, pagesByToken, partsOf } from "../pages.ts";
import { eksClusterTag, eksNodeGroupTag, marketOf, runningInstances, tagOf } from "../preflight/usage.ts";
import { clusterTag } from "../resources/context.ts";
import { isOurs } from "../resources/owner.ts";
import { readVersions } from "../version-support.ts";
import type { Running, RunningInstance, RunningVolume } from "./running-cost.ts";

export interface RunningCluster {
  readonly running: Running;
  /** Undefined: there is none, or one that is not ours. */
  readonly controlPlane?: EksCluster;
  /** There is an EKS cluster of this name that Cortex did not make. */
  readonly isTheirs: boolean;
}

/** What Kubernetes makes in AWS for a cluster is tagged so. */
export const kubernetesTag = (cluster: string) => `kubernetes.io/cluster/${cluster}`;

/** Looks for all that costs money of a cluster, whatever is left of it. Nothing at all is no error. */
export async function readRunning(aws: Aws, name: string, signal: AbortSignal): Promise<RunningCluster> {
  const ec2 = await aws.ec2();
  const ours = [{ Name: `tag:${clusterTag}`, Values: [name] }];
  const [found, instances, volumes, gateways, addresses, named] = await Promise.all([
    readControlPlane(aws, name, signal),
    runningInstances(aws, [{ Name: `tag:${eksClusterTag}`, Values: [name] }], signal),
    readVolumes(aws, name, signal),
    ec2.describeNatGateways({ Filter: [...ours, { Name: "state", Values: ["pending", "available"] }] }, signal),
    ec2.describeAddresses({ Filters: ours }, signal),
    readBalancers(aws, name, signal),
  ]);
  const isTheirs = found !== undefined && !isOurs(found, name);
  const controlPlane = isTheirs ? undefined : found;
  // They are known by the tags of Kubernetes, which mean another cluster then.
  const balancers = isTheirs ? [] : named;
  const version = controlPlane?.version;
  const isExtended = version !== undefined && (await readVersions(aws, signal)).get(version)?.isExtended;
  return {
    running: {
      ...(controlPlane && { controlPlane: { support: isExtended ? "extended" : "standard" } }),
      instances: isTheirs ? [] : instances.map(instanceFrom),
      volumes: volumes.filter((one) => !isTheirs || tagOf(one, clusterTag) === name).map(volumeFrom),
      natGateways: gateways.NatGateways?.length ?? 0,
      networkLoadBalancers: balancers.filter(({ type }) => type === "network").length,
      classicLoadBalancers: balancers.filter(({ type }) => type !== "network").length,
      addresses: (addresses.Addresses?.length ?? 0) + balancers.reduce((sum, one) => sum + one.addresses, 0),
    },
    ...(controlPlane && { controlPlane }),
    isTheirs,
  };
}

async function readControlPlane(aws: Aws, name: string, signal: AbortSignal): Promise<EksCluster | undefined> {
  try {
    const { cluster } = await (await aws.eks()).describeCluster({ name }, signal);
    return cluster;
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

function instanceFrom(instance: Instance): RunningInstance {
  return {
    id: instance.InstanceId ?? "",
    type: instance.InstanceType ?? "",
    market: marketOf(instance),
    zone: instance.Placement?.AvailabilityZone ?? "",
    nodeGroup: tagOf(instance, eksNodeGroupTag) ?? "",
    hasPublicAddress: instance.PublicIpAddress !== undefined,
  };
}

function volumeFrom({ VolumeType: type = "gp2", Size = 0, Iops = 0, Throughput = 0 }: Volume): RunningVolume {
  return { type, sizeGb: Size, iops: Iops, throughput: Throughput };
}

/** Disks of instances carry our tag, those of Kubernetes its own. */
async function readVolumes(aws: Aws, name: string, signal: AbortSignal): Promise<readonly Volume[]> {
  const ec2 = await aws.ec2();
  const filters = [
    { Name: `tag:${clusterTag}`, Values: [name] },
    { Name: "tag-key", Values: [kubernetesTag(name)] },
  ];
  const pages = await Promise.all(
    filters.map((filter) => pagesByToken((NextToken) => ec2.describeVolumes({ Filters: [filter], NextToken }, signal))),
  );
  const volumes = pages.flat().flatMap(({ Volumes = [] }) => Volumes);
  return [...new Map(volumes.map((volume) => [volume.VolumeId, volume])).values()];
}

interface Balancer {
  readonly type: string;
  /** Public ones: one in each zone. */
  readonly addresses: number;
}

/** Descriptions of tags are asked for so many load balancers at a time. */
const mostTagged = 20;

async function readBalancers(aws: Aws, name: string, signal: AbortSignal): Promise<readonly Balancer[]> {
  const [newer, classic] = await Promise.all([newerBalancers(aws, name, signal), classicBalancers(aws, name, signal)]);
  return [...newer, ...classic];
}

async function newerBalancers(aws: Aws, name: string, signal: AbortSignal): Promise<readonly Balancer[]> {
  const balancers = await aws.loadBalancers();
  const pages = await allPages(
    (Marker) => balancers.describeLoadBalancers({ Marker }, signal),
    ({ NextMarker }) => NextMarker,
  );
  const found = pages.flatMap(({ LoadBalancers = [] }) => LoadBalancers);
  const arns = found.flatMap(({ LoadBalancerArn: arn }) => arn ?? []);
  const tagged = await Promise.all(
    partsOf(arns, mostTagged).map((ResourceArns) => balancers.describeTags({ ResourceArns }, signal)),
  );
  const tags = tagged.flatMap(({ TagDescriptions = [] }) => TagDescriptions);
  const ours = new Set(tags.filter(({ Tags }) => isOf(name, Tags)).map(({ ResourceArn }) => ResourceArn));
  return found
    .filter(({ LoadBalancerArn: arn }) => ours.has(arn))
    .map(({ Type, Scheme, AvailabilityZones }) => ({
      type: Type ?? "",
      addresses: addressesOf(Scheme, AvailabilityZones),
    }));
}

async function classicBalancers(aws: Aws, name: string, signal: AbortSignal): Promise<readonly Balancer[]> {
  const balancers = await aws.classicLoadBalancers();
  const pages = await allPages(
    (Marker) => balancers.describeLoadBalancers({ Marker }, signal),
    ({ NextMarker }) => NextMarker,
  );
  const found = pages.flatMap(({ LoadBalancerDescriptions = [] }) => LoadBalancerDescriptions);
  const names = found.flatMap(({ LoadBalancerName }) => LoadBalancerName ?? []);
  const tagged = await Promise.all(
    partsOf(names, mostTagged).map((LoadBalancerNames) => balancers.describeTags({ LoadBalancerNames }, signal)),
  );
  const tags = tagged.flatMap(({ TagDescriptions = [] }) => TagDescriptions);
  const ours = new Set(tags.filter(({ Tags }) => isOf(name, Tags)).map(({ LoadBalancerName }) => LoadBalancerName));
  return found
    .filter(({ LoadBalancerName }) => ours.has(LoadBalancerName))
    .map(({ Scheme, AvailabilityZones }) => ({ type: "classic", addresses: addressesOf(Scheme, AvailabilityZones) }));
}

function addressesOf(scheme: string | undefined, zones: readonly unknown[] = []): number {
  return scheme === "internet-facing" ? zones.length : 0;
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

function isOf(name: string, tags: readonly Tag[] = []): boolean {
  return tags.some(({ Key, Value }) => Key === kubernetesTag(name) || (Key === clusterTag && Value === name));
}
