import type { CloudPlan, ReachableCluster, UpOutcome, WalkFailure, WalkListener } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import { type Applied, applyPlan } from "../../core/graph/apply.ts";
import { type GraphPlan, type PlannedChange, realChanges, unseenChanges } from "../../core/graph/plan.ts";
import { resourceName } from "../../core/graph/resource-name.ts";
import { withLease } from "./leased.ts";
import type { UpWork } from "./plan-cluster.ts";
import { reach } from "./reach.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Makes and changes in AWS what is planned, then brings what lives inside the cluster.
 * @throws CONFLICT when somebody else is at it, or has changed something since it was planned
 */
export async function applyUp(
  surroundings: Surroundings,
  { plan, work }: { readonly plan: CloudPlan; readonly work: UpWork },
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<UpOutcome> {
  const hasChanges = realChanges(work.graph.steps).length > 0;
  const applied = hasChanges ? await applyInAws({ plan, work }, onEvent, signal) : undefined;
  const failures = withFields(applied?.failures ?? [], work);
  const reachable = await reachIfMade(surroundings, plan, failures, signal);
  const { cloud } = work;
  if (!reachable || !cloud || !hasNodes(work, applied)) return { failures, ...(reachable && { reachable }) };
  const inside = await surroundings.inside.bring({ cloud, reachable }, onEvent, signal);
  return { ...inside, failures: [...failures, ...withFields(inside.failures, work)], reachable };
}

function withFields(failures: readonly WalkFailure[], { fieldOf }: UpWork): readonly WalkFailure[] {
  return failures.map((failure) => {
    const field = fieldOf?.(failure);
    return field === undefined ? failure : { ...failure, field };
  });
}

async function applyInAws(
  { plan, work }: { readonly plan: CloudPlan; readonly work: UpWork },
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<Applied> {
  const { clock } = work.kinds.context.aws;
  const bucket = await applyPlan(bucketAlone(work), { clock, onEvent }, signal);
  if (bucket.failures.length > 0) return bucket;
  return withLease(
    { kinds: work.kinds, what: work.what, onEvent },
    async (held) => {
      const graph = await work.again(held);
      const [unseen] = unseenChanges(plan.changes, graph.steps);
      if (unseen) throw changedSince(plan, unseen);
      return applyPlan(graph, { clock, onEvent }, held);
    },
    signal,
  );
}

/** The bucket comes before all else, since the lease lies in it. */
function bucketAlone({ graph, kinds }: UpWork): GraphPlan {
  const { name } = kinds.network.bucket;
  return {
    kinds: graph.kinds.filter((kind) => kind.name === name),
    wanted: graph.wanted.filter(({ kind }) => kind.name === name),
    steps: graph.steps.filter(({ kind, action }) => kind.name === name && action !== "remove"),
  };
}

function changedSince({ cluster }: CloudPlan, unseen: PlannedChange) {
  return new CortexError(
    "CONFLICT",
    `cluster ${cluster.name} has changed since this was planned: it would take to ${unseen.action} ${resourceName(unseen)}, too`,
    { hint: "run the same command again: it shows what is to be done now" },
  );
}

async function reachIfMade(
  { aws }: Surroundings,
  { cluster }: CloudPlan,
  failures: readonly WalkFailure[],
  signal: AbortSignal,
): Promise<ReachableCluster | undefined> {
  try {
    return await reach(aws.inRegion(cluster.region), cluster, signal);
  } catch (error) {
    // What failed before says why it cannot be reached.
    if (failures.length > 0 && error instanceof CortexError && !signal.aborted) return undefined;
    throw error;
  }
}

/** Without nodes nothing inside could start, and what keeps them from coming has been told. */
function hasNodes({ graph, kinds }: UpWork, applied: Applied | undefined): boolean {
  if (!applied || applied.failures.length === 0) return true;
  const groups = graph.wanted.filter(({ kind }) => kind.name === kinds.eks.nodeGroup.name);
  return groups.some(({ id }) => applied.stateOf(kinds.eks.nodeGroup, id) !== undefined);
}
