import type { Volume } from "@aws-sdk/client-ec2";
import type { ClusterId, DownOptions } from "../../core/cloud-cluster.ts";
import { criticalPath } from "../../core/graph/critical-path.ts";
import type { FoundByKind } from "../../core/graph/duplicates.ts";
import type { GraphPlan } from "../../core/graph/plan.ts";
import { planDown } from "../../core/graph/plan-down.ts";
import { readAll } from "../../core/graph/read-all.ts";
import { strangeVolumes } from "../resources/kubernetes-volumes.ts";
import { findLost, readNamed } from "../resources/lost-tags.ts";
import { namedControlPlane } from "../resources/owner.ts";
import { changesOf } from "./changes.ts";
import { costsNow } from "./costs.ts";
import { type ClusterKinds, isAnythingThere, kindsOf } from "./kinds.ts";
import type { Planned } from "./plan-cluster.ts";
import { notOurs, notThere } from "./reach.ts";
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
  const context = { aws, identity, clusterName: id.name, tags: {} };
  const [{ kinds, found }, named] = await Promise.all([
    readEverything(kindsOf(context), signal),
    namedControlPlane(context, signal),
  ]);
  const isTheirs = named.owner === "theirs";
  const isInOurs = (found.get(kinds.network.vpc.name) ?? []).some(({ label }) => label === named.vpcId);
  if (!isAnythingThere(found, kinds)) throw isTheirs ? notOurs(id) : notThere(id);
  // Its network cannot go without it, nor what it made there be told from ours.
  if (isTheirs && isInOurs) throw notOurs(id);
  const kept = [...(keepAwsResources ? keptKinds(kinds) : []), ...(isTheirs ? [kinds.network.logGroup.name] : [])];
  const planned = (now: FoundByKind) => planDown({ kinds: kinds.all, found: now, kept });
  const graph = planned(found);
  const [{ now, nothing, warnings }, strange] = await Promise.all([
    costsNow({ aws, home: surroundings.home }, id.name, signal),
    strangeVolumes(context, signal),
  ]);
  return {
    plan: {
      cluster: id,
      changes: changesOf(graph.steps),
      expectedMs: criticalPath(graph.steps).ms,
      cost: nothing,
      costNow: now,
      warnings: [...(isTheirs ? [besideTheirs(id)] : []), ...strange.map(besideStrange), ...warnings],
    },
    work: { kind: "down", kinds, graph, kept, again: async (until) => planned(await readAll(kinds.all, until)) },
  };
}

/** With what has lost the tags that it is found by, and would be left behind and paid for. */
async function readEverything(kinds: ClusterKinds, signal: AbortSignal) {
  const [found, named] = await Promise.all([readAll(kinds.all, signal), readNamed(kinds.context, signal)]);
  const lost = findLost(named, found);
  if (!lost) return { kinds, found };
  const again = kindsOf({ ...kinds.context, lost });
  return { kinds: again, found: await readAll(again.all, signal) };
}

/** Of a cluster of ours something may be left, as what was kept, when somebody makes another one of the same name. */
function besideTheirs({ name }: ClusterId): string {
  return (
    `there is an EKS cluster ${name} that Cortex did not make: it stays, with all that its Kubernetes made; what bears the tags of ` +
    "Cortex is removed, but for log groups, which that cluster may write to by now"
  );
}

function besideStrange({ VolumeId = "", Size = 0 }: Volume): string {
  return (
    `volume ${VolumeId} of ${Size} GB bears the name of this cluster, but may be another one's of that name: it stays; ` +
    `\`aws ec2 delete-volume --volume-id ${VolumeId}\` removes it`
  );
}

/** What holds the user's data: it cannot be made again. */
function keptKinds({ network, kubernetes }: ClusterKinds): readonly string[] {
  const { logGroup, volume } = kubernetes;
  return [network.bucket, network.repository, network.logGroup, logGroup, volume].map(({ name }) => name);
}
