import { DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeInternetGatewaysCommand,
  DescribeLaunchTemplatesCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  DescribeVolumesCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcsCommand,
  type Tag,
} from "@aws-sdk/client-ec2";
import { DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { DescribeLoadBalancersCommand as DescribeClassicCommand } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeLoadBalancersCommand, DescribeTargetGroupsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { ListRolesCommand } from "@aws-sdk/client-iam";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { allTagged } from "./shim/eks/handlers.ts";
import type { Moto } from "./shim/moto-clients.ts";
import type { World } from "./shim/world.ts";

export interface Thing {
  /** `vpc`, `nat-gateway`, `eks:nodegroup`. */
  readonly type: string;
  /** As AWS names it. */
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Inventory {
  /** @returns everything in the account and one region beside what AWS puts into every account, sorted by type and id */
  all(region?: string): Promise<readonly Thing[]>;
  /** @returns the same as sentences without random ids, to compare two clusters or to find nothing: `subnet subnet/public-us-east-1a` */
  names(region?: string): Promise<readonly string[]>;
}

const resourceTag = "cortex.dev/resource";

export function createInventory(world: World, home: string): Inventory {
  const all = async (region = home) => {
    await world.timeline.catchUp();
    const moto = world.moto(region);
    const found = await Promise.all([ofNetwork(moto), ofNodes(moto), ofServices(moto), ofEks(world, region)]);
    return found.flat().sort((one, other) => `${one.type} ${one.id}`.localeCompare(`${other.type} ${other.id}`));
  };
  return {
    all,
    names: async (region) =>
      (await all(region)).map(({ type, id, tags }) => `${type} ${tags[resourceTag] ?? plain(id)}`).sort(),
  };
}

/** An id without what is random in it. */
function plain(id: string): string {
  return id
    .replace(/^([a-z]+)-[0-9a-f]{8,17}$/, "$1")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "*")
    .replaceAll(/-\d{6,}/g, "-*")
    .replaceAll(/\b\d{12}\b/g, "*");
}

function thing(type: string, id: string | undefined, tags: readonly Tag[] = []): Thing {
  return { type, id: id ?? "?", tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key!, Value ?? ""])) };
}

async function ofNetwork({ ec2 }: Moto): Promise<Thing[]> {
  const [vpcs, subnets, gateways, tables, groups, nats, addresses, endpoints, interfaces] = await Promise.all([
    ec2.send(new DescribeVpcsCommand({})),
    ec2.send(new DescribeSubnetsCommand({})),
    ec2.send(new DescribeInternetGatewaysCommand({})),
    ec2.send(new DescribeRouteTablesCommand({})),
    ec2.send(new DescribeSecurityGroupsCommand({})),
    ec2.send(new DescribeNatGatewaysCommand({})),
    ec2.send(new DescribeAddressesCommand({})),
    ec2.send(new DescribeVpcEndpointsCommand({})),
    ec2.send(new DescribeNetworkInterfacesCommand({})),
  ]);
  return [
    ...(vpcs.Vpcs ?? []).filter(({ IsDefault }) => !IsDefault).map(({ VpcId, Tags }) => thing("vpc", VpcId, Tags)),
    ...(subnets.Subnets ?? [])
      .filter(({ DefaultForAz }) => !DefaultForAz)
      .map(({ SubnetId, Tags }) => thing("subnet", SubnetId, Tags)),
    ...(gateways.InternetGateways ?? []).map((one) => thing("internet-gateway", one.InternetGatewayId, one.Tags)),
    ...(tables.RouteTables ?? [])
      .filter(({ Associations = [] }) => !Associations.some(({ Main }) => Main))
      .map(({ RouteTableId, Tags }) => thing("route-table", RouteTableId, Tags)),
    ...(groups.SecurityGroups ?? [])
      .filter(({ GroupName }) => GroupName !== "default")
      .map(({ GroupId, Tags }) => thing("security-group", GroupId, Tags)),
    ...(nats.NatGateways ?? [])
      .filter(({ State }) => State !== "deleted")
      .map(({ NatGatewayId, Tags }) => thing("nat-gateway", NatGatewayId, Tags)),
    ...(addresses.Addresses ?? []).map(({ AllocationId, Tags }) => thing("address", AllocationId, Tags)),
    ...(endpoints.VpcEndpoints ?? [])
      .filter(({ State }) => String(State).toLowerCase() !== "deleted")
      .map(({ VpcEndpointId, Tags }) => thing("vpc-endpoint", VpcEndpointId, Tags)),
    ...(interfaces.NetworkInterfaces ?? []).map((one) =>
      thing("network-interface", one.NetworkInterfaceId, one.TagSet),
    ),
  ];
}

async function ofNodes({ ec2 }: Moto): Promise<Thing[]> {
  const [instances, volumes, templates] = await Promise.all([
    ec2.send(new DescribeInstancesCommand({})),
    ec2.send(new DescribeVolumesCommand({})),
    ec2.send(new DescribeLaunchTemplatesCommand({})),
  ]);
  return [
    ...(instances.Reservations ?? [])
      .flatMap(({ Instances = [] }) => Instances)
      .filter(({ State }) => State?.Name !== "terminated")
      .map(({ InstanceId, Tags }) => thing("instance", InstanceId, Tags)),
    ...(volumes.Volumes ?? []).map(({ VolumeId, Tags }) => thing("volume", VolumeId, Tags)),
    ...(templates.LaunchTemplates ?? []).map((one) => thing("launch-template", one.LaunchTemplateName, one.Tags)),
  ];
}

async function ofServices({ ecr, elb, elbv2, iam, logs, s3 }: Moto): Promise<Thing[]> {
  const [repositories, classic, balancers, targets, roles, groups, buckets] = await Promise.all([
    ecr.send(new DescribeRepositoriesCommand({})),
    elb.send(new DescribeClassicCommand({})),
    elbv2.send(new DescribeLoadBalancersCommand({})),
    elbv2.send(new DescribeTargetGroupsCommand({})),
    iam.send(new ListRolesCommand({})),
    logs.send(new DescribeLogGroupsCommand({})),
    s3.send(new ListBucketsCommand({})),
  ]);
  return [
    ...(repositories.repositories ?? []).map(({ repositoryName }) => thing("repository", repositoryName)),
    ...(classic.LoadBalancerDescriptions ?? []).map((one) => thing("classic-load-balancer", one.LoadBalancerName)),
    ...(balancers.LoadBalancers ?? []).map(({ LoadBalancerName }) => thing("load-balancer", LoadBalancerName)),
    ...(targets.TargetGroups ?? []).map(({ TargetGroupName }) => thing("target-group", TargetGroupName)),
    ...(roles.Roles ?? [])
      .filter(({ Path }) => !Path?.startsWith("/aws-service-role/"))
      .map(({ RoleName }) => thing("role", RoleName)),
    ...(groups.logGroups ?? []).map(({ logGroupName }) => thing("log-group", logGroupName)),
    ...(buckets.Buckets ?? []).map(({ Name }) => thing("bucket", Name)),
  ];
}

function ofEks(world: World, region: string): Thing[] {
  const state = world.in(region);
  const eks = allTagged(state).map(([arn, { tags = {} }]) => {
    const resource = arn.split(":").slice(5).join(":");
    return { type: `eks:${resource.split("/")[0]}`, id: resource.replace(/\/a-[0-9a-f]{17}$/, "/*"), tags };
  });
  const groups = [...state.autoScalingGroups.values()].map(({ name, tags }) => ({
    type: "auto-scaling-group",
    id: name,
    tags: Object.fromEntries([...tags].map(([key, { value }]) => [key, value])),
  }));
  return [...eks, ...groups];
}
