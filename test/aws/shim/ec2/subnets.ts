import { DescribeRouteTablesCommand, DescribeSubnetsCommand, type RouteTable } from "@aws-sdk/client-ec2";
import type { Moto } from "../moto-clients.ts";

export interface SubnetProblem {
  /** It is seen before any instance starts; else the instances start and never join. */
  readonly isAtOnce: boolean;
  readonly message: string;
  readonly subnets: readonly string[];
}

/** @returns why nodes in these subnets cannot join a cluster, undefined when they can: they need a way to the internet */
export async function findSubnetProblem({ ec2 }: Moto, ids: readonly string[]): Promise<SubnetProblem | undefined> {
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...ids] }));
  const VpcId = Subnets[0]?.VpcId;
  const filter = { Filters: [{ Name: "vpc-id", Values: [VpcId!] }] };
  const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand(filter));
  const ways = Subnets.map((subnet) => ({ subnet, way: wayOut(tableOf(subnet.SubnetId!, RouteTables)) }));
  const unmapped = ways.filter(({ subnet, way }) => way === "gateway" && !subnet.MapPublicIpOnLaunch);
  if (unmapped.length > 0) {
    const subnets = unmapped.map(({ subnet }) => subnet.SubnetId!);
    const message =
      `One or more Amazon EC2 Subnets of [${subnets.join(", ")}] for node group does not automatically assign public IP ` +
      "addresses to instances launched into it. If you want your instances to be assigned a public IP address, then you need " +
      "to enable auto-assign public IP address for the subnet.";
    return { isAtOnce: true, message, subnets };
  }
  const shut = ways.filter(({ way }) => way === undefined).map(({ subnet }) => subnet.SubnetId!);
  return shut.length === 0 ? undefined : { isAtOnce: false, message: "no way to the internet", subnets: shut };
}

function tableOf(subnet: string, tables: readonly RouteTable[]): RouteTable | undefined {
  const named = tables.find(({ Associations = [] }) => Associations.some(({ SubnetId }) => SubnetId === subnet));
  return named ?? tables.find(({ Associations = [] }) => Associations.some(({ Main }) => Main));
}

function wayOut(table: RouteTable | undefined): "gateway" | "nat" | undefined {
  const out = table?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === "0.0.0.0/0");
  if (out?.GatewayId?.startsWith("igw-")) return "gateway";
  return out?.NatGatewayId ? "nat" : undefined;
}
