import type { NetworkInterface, SecurityGroup } from "@aws-sdk/client-ec2";
import type { ResourceContext } from "./context.ts";
import { holdersOf, ownerOf } from "./interface-owner.ts";
import { type Around, kubernetesTag } from "./kubernetes-tags.ts";
import { interfacesOf } from "./network-holders.ts";
import { ec2Pages } from "./pages.ts";
import { type RemovableKind, removableKind } from "./removable.ts";
import { forgetGroup } from "./security-groups.ts";
import { removeWhenFree } from "./wait.ts";

export function kubernetesSecurityGroupKind(context: ResourceContext, around: Around): RemovableKind<SecurityGroup> {
  const { aws } = context;
  return removableKind({
    name: "kubernetes-security-group",
    title: "security group",
    needs: ["vpc"],
    removeMs: 5_000,
    async list(signal) {
      const ec2 = await aws.ec2();
      const { vpcIds, areTagsOurs } = await around(signal);
      if (vpcIds.size === 0 && !areTagsOurs) return [];
      const within = { Name: "vpc-id", Values: [...vpcIds] };
      const tagged = { Name: `tag:${kubernetesTag(context)}`, Values: ["owned"] };
      const Filters = [vpcIds.size > 0 ? within : tagged];
      const ask = (page: object) => ec2.describeSecurityGroups({ Filters, ...page }, signal);
      const all = await ec2Pages(ask, ({ SecurityGroups }) => SecurityGroups);
      return all
        .filter(({ GroupName }) => GroupName !== "default")
        .map((state) => {
          const label = state.GroupId ?? "";
          return { id: `kubernetes-security-group/${label}`, label, state, status: "ready" };
        });
    },
    async remove({ GroupId = "", GroupName }, waiting, signal) {
      const ec2 = await aws.ec2();
      const removal = {
        what: `security group ${GroupId} (${GroupName})`,
        gone: ["InvalidGroup.NotFound"],
        busy: ["DependencyViolation"],
        remove: () => ec2.deleteSecurityGroup({ GroupId }, signal),
        release: async () => {
          const users = await interfacesOf(ec2, [{ Name: "group-id", Values: [GroupId] }], signal);
          if (users.length === 0) await forgetGroup(ec2, GroupId, signal);
          return holdersOf(users);
        },
      };
      await removeWhenFree(removal, waiting, signal);
    },
  });
}

/**
 * What the network plugin of the nodes leaves behind in subnets of the user's own. In subnets that are ours, their removal sees
 * to it.
 */
export function kubernetesInterfaceKind(context: ResourceContext, around: Around): RemovableKind<NetworkInterface> {
  const { aws, clusterName } = context;
  return removableKind({
    name: "network-interface",
    title: "network interface",
    needs: ["subnet", "kubernetes-security-group"],
    removeMs: 2_000,
    async list(signal) {
      const { vpcIds, areTagsOurs } = await around(signal);
      if (vpcIds.size > 0 || !areTagsOurs) return [];
      const filters = [{ Name: "tag:cluster.k8s.amazonaws.com/name", Values: [clusterName] }];
      const all = await interfacesOf(await aws.ec2(), filters, signal);
      return all.map((state) => {
        const label = state.NetworkInterfaceId ?? "";
        return { id: `network-interface/${label}`, label, state, status: "ready" };
      });
    },
    async remove(state, waiting, signal) {
      const ec2 = await aws.ec2();
      const { NetworkInterfaceId = "" } = state;
      const removal = {
        what: `network interface ${NetworkInterfaceId}`,
        gone: ["InvalidNetworkInterfaceID.NotFound"],
        busy: ["InvalidNetworkInterface.InUse", "InvalidParameterValue", "OperationNotPermitted"],
        remove: () => ec2.deleteNetworkInterface({ NetworkInterfaceId }, signal),
        release: async () => ({ names: ownerOf(state) }),
      };
      await removeWhenFree(removal, waiting, signal);
    },
  });
}
