import {
  DescribeAddressesCommand,
  DescribeInternetGatewaysCommand,
  DescribeSecurityGroupsCommand,
  DescribeVpcEndpointsCommand,
  type IpPermission,
} from "@aws-sdk/client-ec2";
import type { Moto } from "../moto-clients.ts";
import { Refused } from "../reply.ts";
import type { Handler, Handlers, Handling } from "../world.ts";
import { findInterfaces } from "./interfaces.ts";

type Check = (handling: Handling) => Promise<void>;

/** What AWS refuses to remove while something hangs on it, and moto does not. */
export const dependencyHandlers: Handlers = {
  DeleteVpc: guarded(checkVpc),
  DeleteSubnet: guarded(checkSubnet),
  DeleteSecurityGroup: guarded(checkSecurityGroup),
  DetachInternetGateway: guarded(checkGateway),
  ReleaseAddress: guarded(checkAddress),
};

function guarded(check: Check): Handler {
  return async (handling) => {
    await check(handling);
    return handling.forward();
  };
}

async function checkVpc({ moto, request }: Handling) {
  const id = request.form.get("VpcId") ?? "";
  const filter = (Name: string) => ({ Filters: [{ Name, Values: [id] }] });
  const [gateways, groups, interfaces, endpoints] = await Promise.all([
    moto.ec2.send(new DescribeInternetGatewaysCommand(filter("attachment.vpc-id"))),
    moto.ec2.send(new DescribeSecurityGroupsCommand(filter("vpc-id"))),
    findInterfaces(moto, { "vpc-id": id }),
    moto.ec2.send(new DescribeVpcEndpointsCommand(filter("vpc-id"))),
  ]);
  const isLeft =
    gateways.InternetGateways?.length ||
    groups.SecurityGroups?.some(({ GroupName }) => GroupName !== "default") ||
    interfaces.length > 0 ||
    endpoints.VpcEndpoints?.some(({ State }) => String(State).toLowerCase() !== "deleted");
  if (isLeft) throw violation(`The vpc '${id}' has dependencies and cannot be deleted.`);
}

async function checkSubnet({ moto, request }: Handling) {
  const id = request.form.get("SubnetId") ?? "";
  const interfaces = await findInterfaces(moto, { "subnet-id": id });
  if (interfaces.length > 0) throw violation(`The subnet '${id}' has dependencies and cannot be deleted.`);
}

async function checkSecurityGroup({ moto, request }: Handling) {
  const id = request.form.get("GroupId") ?? "";
  if (await isSecurityGroupUsed(moto, id)) throw violation(`resource ${id} has a dependent object`);
}

/** @returns whether an interface carries it or a rule of another group names it */
export async function isSecurityGroupUsed(moto: Moto, id: string): Promise<boolean> {
  const [interfaces, groups] = await Promise.all([
    findInterfaces(moto, { "group-id": id }),
    moto.ec2.send(new DescribeSecurityGroupsCommand({})),
  ]);
  const names = ({ UserIdGroupPairs = [] }: IpPermission) => UserIdGroupPairs.some(({ GroupId }) => GroupId === id);
  const others = (groups.SecurityGroups ?? []).filter(({ GroupId }) => GroupId !== id);
  const isNamed = others.some(
    ({ IpPermissions = [], IpPermissionsEgress = [] }) => IpPermissions.some(names) || IpPermissionsEgress.some(names),
  );
  return interfaces.length > 0 || isNamed;
}

async function checkGateway({ moto, region, request }: Handling) {
  const vpc = request.form.get("VpcId") ?? "";
  const [{ Addresses = [] }, interfaces] = await Promise.all([
    moto.ec2.send(new DescribeAddressesCommand({})),
    findInterfaces(moto, { "vpc-id": vpc }),
  ]);
  const ids = interfaces.map(({ NetworkInterfaceId }) => NetworkInterfaceId!);
  const isMapped =
    Addresses.some(({ NetworkInterfaceId }) => NetworkInterfaceId !== undefined && ids.includes(NetworkInterfaceId)) ||
    interfaces.some(({ Association, Attachment }) => Attachment?.InstanceId && Association?.PublicIp) ||
    ids.some((id) => region.interfaces.get(id)?.publicIp !== undefined);
  if (!isMapped) return;
  throw violation(
    `Network ${vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
  );
}

async function checkAddress({ moto, region, request }: Handling) {
  const id = request.form.get("AllocationId") ?? "";
  const { Addresses = [] } = await moto.ec2.send(new DescribeAddressesCommand({ AllocationIds: [id] })).catch(() => ({
    Addresses: [],
  }));
  const isOfNat = [...region.natGateways.values()].some(({ allocationId, isGone }) => allocationId === id && !isGone);
  if (isOfNat || Addresses.some(({ AssociationId }) => AssociationId !== undefined)) {
    throw new Refused("InvalidIPAddress.InUse", `Address with allocation id ${id} is in use.`);
  }
}

export function violation(message: string): Refused {
  return new Refused("DependencyViolation", message);
}
