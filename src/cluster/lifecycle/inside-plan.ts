import type { ReachableCluster, WalkFailure, WalkListener } from "../../core/cloud-cluster.ts";
import { type CloudSettings, type InstallPlan, isNothingToDo } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { PlannedChange } from "../../core/graph/plan.ts";
import { applyInside, type InsideOptions, insideChanges, planInside, writtenSettings } from "../inside.ts";
import type { Surroundings } from "./surroundings.ts";

/** What lives inside a cluster, seen from the plan of the whole. */
export interface InsideView {
  readonly changes: readonly PlannedChange[];
  readonly warnings: readonly string[];
}

/**
 * @param reachable undefined: there is no API server to ask yet, and all of it is to come
 * @param needs ids of the changes it comes after
 */
export async function viewInside(
  surroundings: Surroundings,
  {
    cloud,
    reachable,
    needs,
  }: { cloud: CloudSettings; reachable: ReachableCluster | undefined; needs: readonly string[] },
  signal: AbortSignal,
): Promise<InsideView> {
  if (!reachable) return { changes: insideChanges(cloud, undefined, needs), warnings: [] };
  try {
    const plan = await withInside(surroundings, { cloud, reachable }, (_, planned) => planned, signal);
    return { changes: insideChanges(cloud, plan, needs), warnings: [] };
  } catch (error) {
    if (!isOutOfReach(error) || signal.aborted) throw error;
    return {
      changes: insideChanges(cloud, undefined, needs),
      warnings: [`what lives inside the cluster cannot be looked at: ${error.message}`],
    };
  }
}

/** @returns what was written down inside; undefined where that is nothing, or cannot be read */
export async function readInside(
  { connect }: Surroundings,
  reachable: ReachableCluster,
  signal: AbortSignal,
): Promise<CloudSettings | undefined> {
  try {
    await using client = await connect(reachable, signal);
    return await writtenSettings(client, signal);
  } catch (error) {
    if (!isOutOfReach(error) || signal.aborted) throw error;
    return undefined;
  }
}

/** Brings what lives inside the cluster. Each part that fails is one of the failures. */
export async function bringInside(
  surroundings: Surroundings,
  place: { readonly cloud: CloudSettings; readonly reachable: ReachableCluster },
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<readonly WalkFailure[]> {
  try {
    return await withInside(
      surroundings,
      place,
      async (options, plan) =>
        isNothingToDo(plan) ? [] : (await applyInside(plan, options, onEvent, signal)).failures,
      signal,
    );
  } catch (error) {
    if (!(error instanceof CortexError) || signal.aborted) throw error;
    onEvent({ id: "inside", title: "in the cluster", phase: "failed", action: "update", detail: error.message });
    return [{ id: "inside", error }];
  }
}

async function withInside<T>(
  { connect, version, addonsDir, aws }: Surroundings,
  { cloud, reachable }: { readonly cloud: CloudSettings; readonly reachable: ReachableCluster },
  use: (options: InsideOptions, plan: InstallPlan) => T | Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  await using client = await connect(reachable, signal);
  const now = () => aws.clock.now();
  const options = { client, cloud, version, now, ...(addonsDir !== undefined && { addonsDir }) };
  return await use(options, await planInside(options, () => {}, signal));
}

function isOutOfReach(error: unknown): error is CortexError {
  return error instanceof CortexError && ["CLUSTER_UNREACHABLE", "NOT_AUTHORISED"].includes(error.code);
}
