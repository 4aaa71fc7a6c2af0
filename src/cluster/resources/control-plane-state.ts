import type { Cluster as Described } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import type { Found } from "../../core/graph/resource.ts";
import type { ControlPlane } from "./control-plane.ts";
import { issuesText, orAbsent } from "./eks-calls.ts";

/** @returns what it is now; `before` when it is not there for a moment */
export async function current(eks: Eks, before: ControlPlane, signal: AbortSignal): Promise<ControlPlane> {
  const cluster = await describe(eks, before.name, signal);
  return cluster ? stateOf(cluster) : before;
}

export async function describe(eks: Eks, name: string, signal: AbortSignal): Promise<Described | undefined> {
  return (await orAbsent(eks.describeCluster({ name }, signal)))?.cluster;
}

export function foundOf(cluster: Described): Found<ControlPlane> {
  const state = stateOf(cluster);
  const status = statuses[state.status] ?? "ready";
  return {
    id: "control-plane",
    label: state.name,
    state,
    status,
    ...(status === "failed" && { cause: state.issues || "EKS says no more" }),
    ...(cluster.createdAt && { createdAt: cluster.createdAt.getTime() }),
    uses: [...state.subnetIds, state.roleArn.replace(/^.*\//, "")],
  };
}

const statuses: Readonly<Record<string, Found<unknown>["status"]>> = {
  ACTIVE: "ready",
  CREATING: "making",
  PENDING: "making",
  UPDATING: "changing",
  DELETING: "removing",
  FAILED: "failed",
};

/** Pure. */
export function stateOf(cluster: Described): ControlPlane {
  const { resourcesVpcConfig: network = {}, endpoint, certificateAuthority } = cluster;
  const enabled = (cluster.logging?.clusterLogging ?? [])
    .filter((one) => one.enabled)
    .flatMap(({ types }) => types ?? []);
  return {
    name: cluster.name ?? "",
    arn: cluster.arn ?? "",
    status: cluster.status ?? "",
    version: cluster.version ?? "",
    roleArn: cluster.roleArn ?? "",
    ...(endpoint && { endpoint }),
    ...(certificateAuthority?.data && { authorities: certificateAuthority.data }),
    ...(network.vpcId && { vpcId: network.vpcId }),
    subnetIds: network.subnetIds ?? [],
    ...(network.clusterSecurityGroupId && { securityGroupId: network.clusterSecurityGroupId }),
    isPublic: network.endpointPublicAccess ?? true,
    isPrivate: network.endpointPrivateAccess ?? false,
    publicCidrs: network.publicAccessCidrs ?? [],
    logTypes: enabled,
    issues: issuesText(cluster.health?.issues),
    tags: cluster.tags ?? {},
  };
}
