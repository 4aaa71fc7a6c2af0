import type { Cluster } from "@aws-sdk/client-eks";
import { clusterTag, type ResourceContext, resourceTag } from "./context.ts";
import { describe } from "./control-plane-state.ts";
import { namesOf } from "./names.ts";

/** A region has one EKS cluster of a name. `theirs`: Cortex did not make it, so nothing that is found by its name is ours. */
export interface NamedControlPlane {
  readonly owner: "ours" | "theirs" | "nobody";
  /** Where it is. */
  readonly vpcId?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
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
  return {
    owner: isOurs(cluster, clusterName) ? "ours" : "theirs",
    ...(vpcId !== undefined && { vpcId }),
    ...(cluster.createdAt && { createdAt: cluster.createdAt.getTime() }),
  };
}

/** The first tag alone is borne by clusters of Cortex 0.42 and older, too, which their own tool has to change and remove. */
export function isOurs({ tags = {}, roleArn, arn = "" }: Cluster, clusterName: string): boolean {
  const owner = tags[clusterTag];
  if (owner === clusterName && tags[resourceTag] !== undefined) return true;
  // One whose tags were taken away has the role still that only Cortex names so.
  const [, , , region = "", accountId = ""] = arn.split(":");
  const role = namesOf({ clusterName, accountId, region }).role("control-plane");
  return (owner === undefined || owner === clusterName) && roleArn?.endsWith(`/${role}`) === true;
}
