import type { NetworkInterface, SecurityGroup, Volume } from "@aws-sdk/client-ec2";
import type { ResourceContext } from "./context.ts";
import { type KubernetesLoadBalancers, kubernetesLoadBalancers } from "./kubernetes-load-balancers.ts";
import { type KubernetesLogGroup, kubernetesLogGroupKind } from "./kubernetes-log-groups.ts";
import { kubernetesInterfaceKind, kubernetesSecurityGroupKind } from "./kubernetes-network.ts";
import { volumeKind } from "./kubernetes-volumes.ts";
import type { NetworkKinds } from "./network-kinds.ts";
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
 * cluster. Only for removing one.
 */
export function kubernetesKinds(context: ResourceContext, { vpc }: Pick<NetworkKinds, "vpc">): KubernetesKinds {
  const vpcIds = async (signal: AbortSignal): Promise<ReadonlySet<string>> =>
    new Set((await vpc.list(signal)).map(({ label }) => label));
  return {
    ...kubernetesLoadBalancers(context, vpcIds),
    securityGroup: kubernetesSecurityGroupKind(context, vpcIds),
    networkInterface: kubernetesInterfaceKind(context, vpcIds),
    volume: volumeKind(context),
    logGroup: kubernetesLogGroupKind(context),
  };
}
