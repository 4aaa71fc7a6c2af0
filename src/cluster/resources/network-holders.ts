import type { Filter, NetworkInterface, SecurityGroup } from "@aws-sdk/client-ec2";
import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import type { Ec2 } from "../../aws/services/ec2.ts";
import { holdersOf } from "./interface-owner.ts";
import { deleteLoadBalancersIn } from "./load-balancers.ts";
import { ec2Pages } from "./pages.ts";
import { deleteGroup } from "./security-groups.ts";
import { type Holders, unless } from "./wait.ts";

/** An interface that somebody takes, or takes away, while it is looked at. */
const interfaceErrors = [
  "InvalidNetworkInterfaceID.NotFound",
  "InvalidNetworkInterface.InUse",
  "InvalidParameterValue",
  "OperationNotPermitted",
];

/**
 * @returns what takes out of a subnet of ours what nobody uses any more: interfaces that were left behind, and load balancers that
 * came after the plan was made; it returns what still holds the subnet
 */
export function subnetReleaser(aws: Aws, subnetId: string, signal: AbortSignal): () => Promise<Holders> {
  const known = new Set<string>();
  return async () => {
    const ec2 = await aws.ec2();
    const found = await interfacesOf(ec2, [{ Name: "subnet-id", Values: [subnetId] }], signal);
    await deleteFree(ec2, found, signal);
    // The interfaces of a load balancer stay for a while after it.
    const balanced = found.find(({ Description = "" }) => Description.startsWith("ELB ") && !known.has(Description));
    for (const { Description = "" } of found) known.add(Description);
    if (balanced?.VpcId !== undefined) await deleteLoadBalancersIn(aws, balanced.VpcId, signal);
    return holdersOf(found.filter((one) => !isFree(one)));
  };
}

/**
 * Takes out of a VPC of ours what goes with it: interfaces that nobody uses, security groups.
 * @returns what still holds it
 */
export async function releaseVpc(aws: Aws, vpcId: string, signal: AbortSignal): Promise<Holders> {
  const ec2 = await aws.ec2();
  const within = [{ Name: "vpc-id", Values: [vpcId] }];
  const [interfaces, groups, subnets] = await Promise.all([
    interfacesOf(ec2, within, signal),
    ec2Pages(
      (page) => ec2.describeSecurityGroups({ Filters: within, ...page }, signal),
      (page) => page.SecurityGroups,
    ),
    ec2Pages(
      (page) => ec2.describeSubnets({ Filters: within, ...page }, signal),
      (page) => page.Subnets,
    ),
  ]);
  await deleteFree(ec2, interfaces, signal);
  const held = await deleteGroups(ec2, groups, signal);
  const users = holdersOf(interfaces.filter((one) => !isFree(one)));
  const holders = [
    users.names,
    ...held.map(({ GroupId, GroupName }) => `security group ${GroupId} (${GroupName})`),
    ...subnets.map(({ SubnetId }) => `subnet ${SubnetId}`),
  ];
  const names = holders.filter((text) => text !== "").join(", ") || (await otherHolders(ec2, vpcId, signal));
  return { names, areLasting: names !== "" && (users.names === "" || users.areLasting === true) };
}

/** @returns what in a VPC has a public address */
export async function publicAddressesOf(ec2: Ec2, vpcId: string, signal: AbortSignal): Promise<Holders> {
  const found = await interfacesOf(ec2, [{ Name: "vpc-id", Values: [vpcId] }], signal);
  return holdersOf(found.filter(({ Association }) => Association?.PublicIp));
}

export function interfacesOf(ec2: Ec2, filters: Filter[], signal: AbortSignal): Promise<NetworkInterface[]> {
  const ask = (page: object) => ec2.describeNetworkInterfaces({ Filters: filters, ...page }, signal);
  return ec2Pages(ask, ({ NetworkInterfaces }) => NetworkInterfaces);
}

export function isFree({ Status }: NetworkInterface): boolean {
  return Status === "available";
}

async function deleteFree(ec2: Ec2, all: readonly NetworkInterface[], signal: AbortSignal): Promise<void> {
  const remove = ({ NetworkInterfaceId = "" }: NetworkInterface) =>
    unless(interfaceErrors, () => ec2.deleteNetworkInterface({ NetworkInterfaceId }, signal));
  await Promise.all(all.filter(isFree).map(remove));
}

/** @returns those that something still uses */
async function deleteGroups(ec2: Ec2, all: readonly SecurityGroup[], signal: AbortSignal): Promise<SecurityGroup[]> {
  const held: SecurityGroup[] = [];
  for (const group of all.filter(({ GroupName }) => GroupName !== "default")) {
    try {
      await deleteGroup(ec2, group.GroupId ?? "", signal);
    } catch (error) {
      if (awsErrorName(error) !== "DependencyViolation") throw error;
      held.push(group);
    }
  }
  return held;
}

/** What holds a VPC and is in none of its subnets. */
async function otherHolders(ec2: Ec2, vpcId: string, signal: AbortSignal): Promise<string> {
  const within = [{ Name: "vpc-id", Values: [vpcId] }];
  const [tables, endpoints, gateways] = await Promise.all([
    ec2.describeRouteTables({ Filters: within }, signal),
    ec2.describeVpcEndpoints({ Filters: within }, signal),
    ec2.describeInternetGateways({ Filters: [{ Name: "attachment.vpc-id", Values: [vpcId] }] }, signal),
  ]);
  const isMain = (table: { readonly Associations?: readonly { readonly Main?: boolean | undefined }[] | undefined }) =>
    table.Associations?.some(({ Main }) => Main) ?? false;
  return [
    ...(tables.RouteTables ?? []).filter((one) => !isMain(one)).map((one) => `route table ${one.RouteTableId}`),
    ...(endpoints.VpcEndpoints ?? []).map((one) => `VPC endpoint ${one.VpcEndpointId} (${one.ServiceName})`),
    ...(gateways.InternetGateways ?? []).map((one) => `internet gateway ${one.InternetGatewayId}`),
  ].join(", ");
}
