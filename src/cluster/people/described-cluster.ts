import type { Aws } from "../../aws/aws.ts";
import type { ClusterConfig, ClusterId } from "../../core/cloud-cluster.ts";
import type { CloudSettings } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { FoundByKind } from "../../core/graph/duplicates.ts";
import { readAll } from "../../core/graph/read-all.ts";
import type { AnyKind, ResourceKind } from "../../core/graph/resource.ts";
import type { Inside } from "../lifecycle/inside-port.ts";
import { isForeignTag } from "../lifecycle/kept-tags.ts";
import { type ClusterKinds, isAnythingThere, kindsOf } from "../lifecycle/kinds.ts";
import { notOurs, notThere, reach } from "../lifecycle/reach.ts";
import { networkOf } from "../lifecycle/settled.ts";
import { namedControlPlane } from "../resources/owner.ts";
import { policiesByPurpose, policyOfAws } from "../resources/role-purposes.ts";
import { groupsOfFile } from "./described-groups.ts";

interface Ports {
  readonly aws: Aws;
  readonly inside: Pick<Inside, "written">;
}

/**
 * The cluster.yaml that describes a cluster as it is, from what AWS and the cluster itself say of it.
 * @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED for one that is not ours, FAILED for one without a control plane
 */
export async function describeCluster(
  id: ClusterId,
  { aws, inside }: Ports,
  signal: AbortSignal,
): Promise<ClusterConfig> {
  const identity = await aws.identity(signal);
  const kinds = kindsOf({ aws, identity, clusterName: id.name, tags: {} });
  const { network, eks } = kinds;
  const read: readonly AnyKind[] = [
    ...[network.vpc, network.subnet, network.natGateway],
    ...[eks.controlPlane, eks.nodeGroup, eks.launchTemplate, eks.role],
  ];
  const [found, { owner }] = await Promise.all([readAll(read, signal), namedControlPlane(kinds.context, signal)]);
  if (owner === "theirs") throw notOurs(id);
  if (!isAnythingThere(found, kinds)) throw notThere(id);
  const [controlPlane] = statesOf(found, eks.controlPlane);
  if (!controlPlane) {
    throw new CortexError("FAILED", `the control plane of ${id.name} is not made yet`, {
      hint: "`cortex cluster up` with the file that it was begun with goes on",
    });
  }
  const own = await ownSubnets(aws, found, kinds, signal);
  const { cloud, warnings } = await writtenIn(id, { aws, inside }, signal);
  return { values: valuesOf(id, { found, kinds, own, cloud }), warnings };
}

interface Described {
  readonly found: FoundByKind;
  readonly kinds: ClusterKinds;
  readonly own: OwnSubnets | undefined;
  readonly cloud: CloudSettings | undefined;
}

/** Pure. What is as it is without being written is left out. */
function valuesOf({ name, region }: ClusterId, { found, kinds, own, cloud }: Described): ClusterConfig["values"] {
  const { eks } = kinds;
  const controlPlane = statesOf(found, eks.controlPlane)[0]!;
  const priorities = new Map(cloud?.nodeGroups.map((one) => [one.name, one.priority]));
  const groups = groupsOfFile({
    nodeGroups: statesOf(found, eks.nodeGroup),
    launchTemplates: statesOf(found, eks.launchTemplate),
    priorities,
  });
  const nodesRole = statesOf(found, eks.role).find(({ id }) => id === "role/nodes");
  const tags = Object.entries(controlPlane.tags).filter(([key]) => key !== "Name" && !isForeignTag(key));
  const isOpen = controlPlane.publicCidrs.join() === "0.0.0.0/0" || controlPlane.publicCidrs.length === 0;
  return {
    cluster_name: name,
    region,
    kubernetes_version: controlPlane.version,
    node_groups: groups,
    ...(own ?? madeNetwork(found, kinds)),
    ...balancerOf(cloud),
    ...(controlPlane.isPublic ? {} : { operator_load_balancer_scheme: "internal" }),
    ...(isOpen || !controlPlane.isPublic ? {} : { operator_load_balancer_cidr_white_list: controlPlane.publicCidrs }),
    ...(nodesRole && { iam_policy_arns: policiesOfFile(nodesRole.managedPolicies, kinds) }),
    ...(nodesRole?.boundary && { iam_permissions_boundary_arn: nodesRole.boundary }),
    ...(tags.length > 0 && { tags: Object.fromEntries(tags) }),
  };
}

function balancerOf(cloud: CloudSettings | undefined): ClusterConfig["values"] {
  if (!cloud) return {};
  const { type, scheme, whiteList, certificateArn } = cloud.loadBalancer;
  return {
    api_load_balancer_type: type,
    api_load_balancer_scheme: scheme,
    ...(whiteList.length > 0 && { api_load_balancer_cidr_white_list: whiteList }),
    ...(certificateArn !== undefined && { ssl_certificate_arn: certificateArn }),
  };
}

/** Those that AWS itself asks of nodes come by themselves. */
function policiesOfFile(attached: readonly string[], { context }: ClusterKinds): readonly string[] {
  const { partition } = context.identity;
  const byThemselves = policiesByPurpose.nodes.map((name) => policyOfAws(partition, name));
  return attached.filter((arn) => !byThemselves.includes(arn));
}

function madeNetwork(found: FoundByKind, kinds: ClusterKinds): ClusterConfig["values"] {
  const { vpc_cidr, subnet_visibility, zones = [] } = networkOf(found, kinds);
  const nats = statesOf(found, kinds.network.natGateway).length;
  return {
    ...(zones.length > 0 && { availability_zones: zones }),
    ...(vpc_cidr !== undefined && { vpc_cidr }),
    ...(subnet_visibility !== undefined && { subnet_visibility }),
    nat_gateway: nats === 0 ? "none" : nats < zones.length ? "single" : "highly_available",
  };
}

interface OwnSubnets extends Record<string, unknown> {
  readonly subnets: readonly { readonly availability_zone: string; readonly subnet_id: string }[];
}

/** @returns undefined where the network was made by Cortex */
async function ownSubnets(
  aws: Aws,
  found: FoundByKind,
  kinds: ClusterKinds,
  signal: AbortSignal,
): Promise<OwnSubnets | undefined> {
  const [controlPlane] = statesOf(found, kinds.eks.controlPlane);
  if (!controlPlane || networkOf(found, kinds).subnets !== "own") return undefined;
  const { Subnets = [] } = await (await aws.ec2()).describeSubnets({ SubnetIds: [...controlPlane.subnetIds] }, signal);
  const subnets = Subnets.map(({ AvailabilityZone = "", SubnetId = "" }) => {
    return { availability_zone: AvailabilityZone, subnet_id: SubnetId };
  });
  const isPublic = Subnets.every(({ MapPublicIpOnLaunch }) => MapPublicIpOnLaunch === true);
  return {
    subnets: subnets.sort((one, other) => (one.availability_zone < other.availability_zone ? -1 : 1)),
    subnet_visibility: isPublic ? "public" : "private",
  };
}

/** What only the cluster itself knows: how its load balancer is, and which group grows first. */
async function writtenIn(id: ClusterId, { aws, inside }: Ports, signal: AbortSignal) {
  const said = "priority of node groups, api_load_balancer_* and ssl_certificate_arn are not known, and left out";
  try {
    const cloud = await inside.written(await reach(aws, id, signal), signal);
    return { cloud, warnings: cloud ? [] : [said] };
  } catch (error) {
    if (!(error instanceof CortexError) || signal.aborted) throw error;
    return { cloud: undefined, warnings: [`${said}: ${error.message}`] };
  }
}

function statesOf<State>(found: FoundByKind, { name }: ResourceKind<never, State>): readonly State[] {
  return (found.get(name) ?? []).map(({ state }) => state as State);
}
