import type { Cluster } from "@aws-sdk/client-eks";
import { clusterTag, type ResourceContext } from "./context.ts";
import { describe } from "./control-plane-state.ts";

/** A region has one EKS cluster of a name. `theirs`: Cortex did not make it, so nothing that is found by its name is ours. */
export interface NamedControlPlane {
  readonly owner: "ours" | "theirs" | "nobody";
  /** Where it is. */
  readonly vpcId?: string;
}

export type ReadControlPlane = (signal: AbortSignal) => Promise<NamedControlPlane>;

/** Whose the EKS cluster is that has the name of a cluster of ours, if there is any. */
export async function namedControlPlane(
  { aws, clusterName }: ResourceContext,
  signal: AbortSignal,
): Promise<NamedControlPlane> {
  const cluster = await describe(await aws.eks(), clusterName, signal);
  if (!cluster) return { owner: "nobody" };
  const vpcId = cluster.resourcesVpcConfig?.vpcId;
  return { owner: isOurs(cluster, clusterName) ? "ours" : "theirs", ...(vpcId !== undefined && { vpcId }) };
}

/** Pure. */
export function isOurs({ tags }: Cluster, clusterName: string): boolean {
  return tags?.[clusterTag] === clusterName;
}
