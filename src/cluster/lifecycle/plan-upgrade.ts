import type { ClusterId, ReachableCluster } from "../../core/cloud-cluster.ts";
import type { CloudSettings } from "../../core/cluster.ts";
import { criticalPath } from "../../core/graph/critical-path.ts";
import type { FoundByKind } from "../../core/graph/duplicates.ts";
import type { GraphPlan } from "../../core/graph/plan.ts";
import { cannotChange, planUp } from "../../core/graph/plan-up.ts";
import { readAll } from "../../core/graph/read-all.ts";
import type { Found } from "../../core/graph/resource.ts";
import type { Addon } from "../resources/addon.ts";
import type { ControlPlane } from "../resources/control-plane.ts";
import { type EksKinds, eksKinds } from "../resources/eks-kinds.ts";
import type { NodeGroup } from "../resources/node-group.ts";
import { readUpgrade, type Upgradable, wantedUpgrade } from "../upgrade.ts";
import { changesOf } from "./changes.ts";
import { costsOfUpgrade, type Exchange } from "./costs.ts";
import type { InsideView } from "./inside-port.ts";
import { kindsOf } from "./kinds.ts";
import type { Planned, UpWork } from "./plan-cluster.ts";
import { notThere, reach } from "./reach.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * What takes a cluster one version further: control plane, add-ons, nodes, in this order.
 * @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED, CONFLICT
 */
export async function planUpgrade(
  surroundings: Surroundings,
  id: ClusterId,
  version: string | undefined,
  signal: AbortSignal,
): Promise<Planned<UpWork>> {
  const aws = surroundings.aws.inRegion(id.region);
  const identity = await aws.identity(signal);
  const reachable = await reach(aws, id, signal);
  const every = kindsOf({ aws, identity, clusterName: id.name, tags: {} });
  const eks = eksKinds(every.context, every.network, { isUpgrade: true });
  const kinds = { ...every, eks, ours: [eks.controlPlane, eks.addon, eks.nodeGroup] };
  const found = await readAll(kinds.ours, signal);
  const there = upgradable(found, eks);
  if (!there) throw notThere(id);
  const upgrade = await readUpgrade(aws, there, version, signal);
  const wanted = wantedUpgrade(there, upgrade, eks);
  const planned = (now: FoundByKind) => planUp({ kinds: kinds.ours, wanted, found: now });
  const graph = planned(found);
  const exchange = { isExtended: upgrade.isExtended, nodeGroups: exchangedGroups(graph, there) };
  const [{ cost, costNow, warnings }, inside] = await Promise.all([
    costsOfUpgrade({ aws, home: surroundings.home }, id.name, exchange, signal),
    viewInside(surroundings, { reachable, version: upgrade.version, needs: wanted.map((one) => one.id) }, signal),
  ]);
  if (inside.problems.length > 0) throw cannotChange(inside.problems);
  const changes = [...changesOf(graph.steps), ...inside.changes];
  return {
    plan: {
      cluster: id,
      changes,
      expectedMs: criticalPath(changes).ms,
      cost,
      ...(costNow && { costNow }),
      warnings: [...warnings, ...inside.warnings],
    },
    work: {
      kind: "up",
      what: "cluster upgrade",
      id,
      kinds,
      graph,
      ...(inside.cloud && { cloud: inside.cloud }),
      again: async (until) => planned(await readAll(kinds.ours, until)),
    },
  };
}

interface InsideQuestion {
  readonly reachable: ReachableCluster;
  readonly version: string;
  readonly needs: readonly string[];
}

/** What lives inside is as it was written down there, for another version of Kubernetes. */
async function viewInside(
  { inside }: Surroundings,
  { reachable, version, needs }: InsideQuestion,
  signal: AbortSignal,
): Promise<InsideView & { readonly cloud?: CloudSettings }> {
  const written = await inside.written(reachable, signal);
  if (!written) {
    const warning =
      "`cortex cluster up` was never finished, or the cluster cannot be reached: what lives inside it stays as it is";
    return { changes: [], warnings: [warning], problems: [] };
  }
  const cloud = { ...written, kubernetesVersion: version };
  return { cloud, ...(await inside.view({ cloud, reachable, needs }, signal)) };
}

/** EKS tells of subnets: each is in a zone of its own in what Cortex makes, and more of them than zones cost no more. */
function exchangedGroups({ steps }: GraphPlan, { nodeGroups }: Upgradable): Exchange["nodeGroups"] {
  const isExchanged = (id: string) => steps.some((step) => step.id === id && step.action !== "keep");
  return nodeGroups
    .filter(({ id }) => isExchanged(id))
    .map(({ state: { name, subnetIds } }) => ({ name, zones: subnetIds.length }));
}

function upgradable(found: FoundByKind, eks: EksKinds): Upgradable | undefined {
  const [controlPlane] = (found.get(eks.controlPlane.name) ?? []) as readonly Found<ControlPlane>[];
  if (!controlPlane) return undefined;
  return {
    controlPlane,
    addons: (found.get(eks.addon.name) ?? []) as readonly Found<Addon>[],
    nodeGroups: (found.get(eks.nodeGroup.name) ?? []) as readonly Found<NodeGroup>[],
  };
}
