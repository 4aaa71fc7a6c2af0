import type { ClusterId, DownOptions } from "../../core/cloud-cluster.ts";
import { criticalPath } from "../../core/graph/critical-path.ts";
import type { FoundByKind } from "../../core/graph/duplicates.ts";
import type { GraphPlan } from "../../core/graph/plan.ts";
import { planDown } from "../../core/graph/plan-down.ts";
import { readAll } from "../../core/graph/read-all.ts";
import { changesOf } from "./changes.ts";
import { costsNow } from "./costs.ts";
import { type ClusterKinds, isAnythingThere, kindsOf } from "./kinds.ts";
import type { Planned } from "./plan-cluster.ts";
import { notThere, reach } from "./reach.ts";
import type { Surroundings } from "./surroundings.ts";

export interface DownWork {
  readonly kind: "down";
  readonly kinds: ClusterKinds;
  readonly graph: GraphPlan;
  /** Names of the kinds that stay. */
  readonly kept: readonly string[];
  /** Looks again at what is there, and plans for that. */
  again(signal: AbortSignal): Promise<GraphPlan>;
}

/** Everything of a cluster that is found. @throws ENVIRONMENT_NOT_FOUND when that is nothing; NOT_SUPPORTED when it is not ours */
export async function planRemoval(
  surroundings: Surroundings,
  id: ClusterId,
  { keepAwsResources }: DownOptions,
  signal: AbortSignal,
): Promise<Planned<DownWork>> {
  const aws = surroundings.aws.inRegion(id.region);
  const identity = await aws.identity(signal);
  const kinds = kindsOf({ aws, identity, clusterName: id.name, tags: {} });
  const found = await readAll(kinds.all, signal);
  if (!isAnythingThere(found, kinds)) {
    // It says whether there is no such cluster, or one of somebody else.
    await reach(aws, id, signal);
    throw notThere(id);
  }
  const kept = keepAwsResources ? keptKinds(kinds) : [];
  const planned = (now: FoundByKind) => planDown({ kinds: kinds.all, found: now, kept });
  const graph = planned(found);
  const { now, nothing, warnings } = await costsNow({ aws, home: surroundings.home }, id.name, signal);
  return {
    plan: {
      cluster: id,
      changes: changesOf(graph.steps),
      expectedMs: criticalPath(graph.steps).ms,
      cost: nothing,
      costNow: now,
      warnings,
    },
    work: { kind: "down", kinds, graph, kept, again: async (until) => planned(await readAll(kinds.all, until)) },
  };
}

/** What holds the user's data: it cannot be made again. */
function keptKinds({ network, kubernetes }: ClusterKinds): readonly string[] {
  return [network.bucket, network.repository, network.logGroup, kubernetes.logGroup].map(({ name }) => name);
}
