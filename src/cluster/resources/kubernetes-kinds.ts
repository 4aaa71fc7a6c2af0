import type { NetworkInterface, SecurityGroup, Volume } from "@aws-sdk/client-ec2";
import type { ResourceContext } from "./context.ts";
import { type KubernetesLoadBalancers, kubernetesLoadBalancers } from "./kubernetes-load-balancers.ts";
import { type KubernetesLogGroup, kubernetesLogGroupKind } from "./kubernetes-log-groups.ts";
import { kubernetesInterfaceKind, kubernetesSecurityGroupKind } from "./kubernetes-network.ts";
import type { Around } from "./kubernetes-tags.ts";
import { volumeKind } from "./kubernetes-volumes.ts";
import type { NetworkKinds } from "./network-kinds.ts";
import { namedControlPlane } from "./owner.ts";
import { shared } from "./pages.ts";
import type { RemovableKind } from "./removable.ts";

/** Their values are a list of kinds. */
export interface KubernetesKinds extends KubernetesLoadBalancers {
  readonly securityGroup: RemovableKind<SecurityGroup>;
  readonly networkInterface: RemovableKind<NetworkInterface>;
  readonly volume: RemovableKind<Volume>;
  readonly logGroup: RemovableKind<KubernetesLogGroup>;
}

/**
 * What Kubernetes and EKS make for a cluster and may leave behind: load balancers, security groups, interfaces, disks, logs. Found
 * in the cluster's VPC and, in a network of the user's own, by the tags of Kubernetes; so it says nothing about whether there is a
 * cluster. Those tags hold a name, which may be that of another cluster once ours is gone: while there is an EKS cluster of that name
 * that is not ours, nothing is found by them. When there is none, as after an interrupted removal, they are ours. Only for removing one.
 */
export function kubernetesKinds(context: ResourceContext, { vpc }: Pick<NetworkKinds, "vpc">): KubernetesKinds {
  const named = shared((signal) => namedControlPlane(context, signal));
  const around: Around = async (signal) => {
    const [vpcs, { owner, createdAt }] = await Promise.all([vpc.list(signal), named(signal)]);
    const vpcIds = new Set(vpcs.map(({ label }) => label));
    return { vpcIds, areTagsOurs: owner !== "theirs", since: owner === "ours" ? createdAt : undefined };
  };
  return {
    ...kubernetesLoadBalancers(context, around),
    securityGroup: kubernetesSecurityGroupKind(context, around),
    networkInterface: kubernetesInterfaceKind(context, around),
    volume: volumeKind(context, around),
    logGroup: kubernetesLogGroupKind(context, around),
  };
}
