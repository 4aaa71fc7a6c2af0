import type { FoundByKind } from "../../core/graph/duplicates.ts";
import type { AnyKind, Found, Wanted } from "../../core/graph/resource.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts } from "../facts.ts";
import { type ManagedGroup, managedGroups, nodeGroupLabel } from "../node-groups.ts";
import type { Standing } from "../preflight/read-facts.ts";
import type { ResourceContext } from "../resources/context.ts";
import type { ControlPlane } from "../resources/control-plane.ts";
import { type EksKinds, eksKinds } from "../resources/eks-kinds.ts";
import { kubernetesKinds } from "../resources/kubernetes-kinds.ts";
import { type NetworkKinds, networkKinds } from "../resources/network-kinds.ts";
import type { NodeGroup } from "../resources/node-group.ts";
import { withSuccessors } from "../successors.ts";
import { wantedEks } from "../wanted-eks.ts";
import { wantedNetwork } from "../wanted-network.ts";
import type { StandingGroups } from "./size-rules.ts";

/** Every kind of resource of one cluster. */
export interface ClusterKinds {
  readonly context: ResourceContext;
  readonly network: NetworkKinds;
  readonly eks: EksKinds;
  readonly kubernetes: ReturnType<typeof kubernetesKinds>;
  /** What `up` makes, changes and removes. */
  readonly ours: readonly AnyKind[];
  /** With what Kubernetes makes in AWS, which only `down` looks for. */
  readonly all: readonly AnyKind[];
}

export function kindsOf(context: ResourceContext): ClusterKinds {
  const network = networkKinds(context);
  const eks = eksKinds(context, network);
  const kubernetes = kubernetesKinds(context, network);
  const ours: readonly AnyKind[] = [...Object.values(network), ...Object.values(eks)];
  return { context, network, eks, kubernetes, ours, all: [...ours, ...Object.values(kubernetes)] };
}

/** Everything that `cluster` consists of in AWS. */
export function wantedOf(
  cluster: Cluster,
  facts: Facts,
  kinds: ClusterKinds,
  groups: readonly ManagedGroup[],
): readonly Wanted[] {
  const network = wantedNetwork(cluster, facts, kinds.network);
  return [...network.wanted, ...wantedEks({ cluster, facts, kinds: kinds.eks, network, groups })];
}

/** @returns the node groups of `cluster`, under the names that those which are there have, or that others in their place get */
export function groupsOf(
  cluster: Cluster,
  facts: Facts,
  found: FoundByKind,
  { network, eks }: ClusterKinds,
): readonly ManagedGroup[] {
  const labelsOf = ({ name }: AnyKind) => new Set((found.get(name) ?? []).map(({ label }) => label));
  const templates = labelsOf(eks.launchTemplate);
  const subnets = cluster.subnets === null ? labelsOf(network.subnet) : undefined;
  const standing = ((found.get(eks.nodeGroup.name) ?? []) as readonly Found<NodeGroup>[])
    .filter(({ status }) => status !== "removing")
    .map(({ state, ...one }) => {
      const lostBecause = lossOf({ ...one, state }, templates, subnets);
      return { name: state.name, desired: state.desired, ...(lostBecause !== undefined && { lostBecause }) };
    });
  return withSuccessors(managedGroups(cluster, facts), standing);
}

/** @returns what of that is gone which a node group was made of; one that never came to be is made again as it is */
function lossOf(
  { state: { status, launchTemplate, subnetIds }, ...one }: Found<NodeGroup>,
  templates: ReadonlySet<string>,
  subnets: ReadonlySet<string> | undefined,
): string | undefined {
  if (status === "CREATE_FAILED") return undefined;
  if (launchTemplate && !templates.has(launchTemplate.templateId)) return "its launch template was removed";
  if (subnets && subnetIds.some((id) => !subnets.has(id))) return "a subnet of it was removed";
  return one.status === "failed" && status === "DEGRADED" ? one.cause : undefined;
}

/** @returns what a cluster that was found has settled */
export function standingOf(found: FoundByKind, { network, eks }: ClusterKinds): Standing {
  const zones = (found.get(network.subnet.name) ?? []).map(({ id }) => id.replace(/^subnet\/(?:public|private)-/, ""));
  const [controlPlane] = found.get(eks.controlPlane.name) ?? [];
  const { version, tags } = (controlPlane?.state ?? {}) as Partial<ControlPlane>;
  return {
    zones: [...new Set(zones)].sort(),
    ...(version !== undefined && { kubernetesVersion: version }),
    ...(tags && { tags }),
  };
}

/** @returns how many instances each node group of the user's keeps at least; undefined before there is a control plane */
export function standingGroups(found: FoundByKind, { eks }: ClusterKinds): StandingGroups | undefined {
  if ((found.get(eks.controlPlane.name) ?? []).length === 0) return undefined;
  const groups = (found.get(eks.nodeGroup.name) ?? []).map(({ state }) => state as NodeGroup);
  const standing = new Map<string, number>();
  for (const { name, labels, min } of groups) {
    const group = labels[nodeGroupLabel] ?? name;
    standing.set(group, (standing.get(group) ?? 0) + min);
  }
  return standing;
}

/** @returns whether anything of the cluster is there; what others made for it says nothing about that */
export function isAnythingThere(found: FoundByKind, { ours }: ClusterKinds): boolean {
  return ours.some(({ name }) => (found.get(name) ?? []).length > 0);
}
