import type { IpPermission, SecurityGroup } from "@aws-sdk/client-ec2";
import type { Ec2 } from "../../aws/services/ec2.ts";
import { ec2Pages } from "./pages.ts";
import { unless } from "./wait.ts";

const gone = ["InvalidGroup.NotFound", "InvalidGroupId.NotFound", "InvalidGroupId.Malformed"];
const noRule = ["InvalidPermission.NotFound", ...gone];

/** Deletes a security group once no other one's rules name it any more. Gone already is fine. @throws DependencyViolation when something is in it */
export async function deleteGroup(ec2: Ec2, groupId: string, signal: AbortSignal): Promise<void> {
  const remove = () => ec2.deleteSecurityGroup({ GroupId: groupId }, signal);
  await forgetGroup(ec2, groupId, signal);
  await unless(gone, remove);
}

/** Takes the rules out of other groups that let in, or out to, a group. */
export async function forgetGroup(ec2: Ec2, groupId: string, signal: AbortSignal): Promise<void> {
  const naming = (filter: string) => {
    const ask = (page: object) =>
      ec2.describeSecurityGroups({ Filters: [{ Name: filter, Values: [groupId] }], ...page }, signal);
    return ec2Pages(ask, ({ SecurityGroups }) => SecurityGroups);
  };
  const [inbound, outbound] = await Promise.all([
    naming("ip-permission.group-id"),
    naming("egress.ip-permission.group-id"),
  ]);
  const others = (groups: readonly SecurityGroup[]) => groups.filter(({ GroupId }) => GroupId !== groupId);
  await Promise.all([
    ...others(inbound).map(({ GroupId = "", IpPermissions }) => {
      const rules = { GroupId, IpPermissions: rulesNaming(groupId, IpPermissions) };
      return unless(noRule, () => ec2.revokeSecurityGroupIngress(rules, signal));
    }),
    ...others(outbound).map(({ GroupId = "", IpPermissionsEgress }) => {
      const rules = { GroupId, IpPermissions: rulesNaming(groupId, IpPermissionsEgress) };
      return unless(noRule, () => ec2.revokeSecurityGroupEgress(rules, signal));
    }),
  ]);
}

/** @returns of each rule only what names the group: a rule may name others and ranges too */
function rulesNaming(groupId: string, rules: readonly IpPermission[] | undefined): IpPermission[] {
  return (rules ?? []).flatMap(({ IpProtocol, FromPort, ToPort, UserIdGroupPairs }) => {
    const pairs = (UserIdGroupPairs ?? []).filter(({ GroupId }) => GroupId === groupId);
    return pairs.length === 0 ? [] : [{ IpProtocol, FromPort, ToPort, UserIdGroupPairs: pairs }];
  });
}
