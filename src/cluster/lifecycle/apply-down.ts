import type { CloudPlan, DownOutcome, WalkFailure, WalkListener } from "../../core/cloud-cluster.ts";
import { applyPlan } from "../../core/graph/apply.ts";
import { type GraphPlan, realChanges, type Step } from "../../core/graph/plan.ts";
import { planDown } from "../../core/graph/plan-down.ts";
import { readAll } from "../../core/graph/read-all.ts";
import { withLeaseIfAny } from "./leased.ts";
import type { DownWork } from "./plan-removal.ts";
import { releaseInside } from "./release-inside.ts";
import type { Surroundings } from "./surroundings.ts";
import { sweep } from "./sweep.ts";

/**
 * As long as a cluster lives its Kubernetes makes things, so what is there is looked for again when all that was planned is gone.
 * More rounds than these find nothing that a person would not have to look at.
 */
const mostRounds = 3;

/** Removes a cluster. What cannot be removed is told, and looked for again at the end by other means: tags and the network. */
export async function applyDown(
  surroundings: Surroundings,
  { plan, work }: { readonly plan: CloudPlan; readonly work: DownWork },
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<DownOutcome> {
  const { kinds, kept } = work;
  const failures = await withLeaseIfAny(
    { kinds, what: "cluster down", onEvent },
    async (held, lease) => {
      await releaseInside(surroundings, plan.cluster, onEvent, held);
      const failed = await removeInRounds(work, onEvent, held);
      if (failed.length > 0 || kept.includes(kinds.network.bucket.name)) return failed;
      await lease?.leaveToBucket();
      const left = await removeBucket(work, onEvent, signal);
      if (left.length === 0) lease?.wentWithBucket();
      return left;
    },
    signal,
  );
  return { failures, ...(await sweep(work, surroundings.home, signal)) };
}

async function removeInRounds(
  work: DownWork,
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<readonly WalkFailure[]> {
  const { clock } = work.kinds.context.aws;
  for (let round = 1; round <= mostRounds; round += 1) {
    const graph = withoutBucket(work, await work.again(signal));
    if (realChanges(graph.steps).length === 0) return [];
    const { failures } = await applyPlan(graph, { clock, onEvent }, signal);
    if (failures.length > 0) return failures;
  }
  return [];
}

/** The bucket goes last, since the lease lies in it. */
async function removeBucket(
  work: DownWork,
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<readonly WalkFailure[]> {
  const { network, context } = work.kinds;
  const kinds = [network.bucket];
  const plan = planDown({ kinds, found: await readAll(kinds, signal) });
  const { failures } = await applyPlan(plan, { clock: context.aws.clock, onEvent }, signal);
  return failures;
}

function withoutBucket(work: DownWork, graph: GraphPlan): GraphPlan {
  const buckets = new Set(graph.steps.filter(isBucket(work)).map(({ id }) => id));
  const steps = graph.steps
    .filter(({ id }) => !buckets.has(id))
    .map((step) => ({ ...step, needs: step.needs.filter((need) => !buckets.has(need)) }));
  return { ...graph, steps };
}

function isBucket({ kinds }: DownWork): (step: Step) => boolean {
  return ({ kind }) => kind.name === kinds.network.bucket.name;
}
