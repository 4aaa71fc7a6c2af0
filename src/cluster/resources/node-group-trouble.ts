import type { Activity } from "@aws-sdk/client-auto-scaling";
import type { Nodegroup } from "@aws-sdk/client-eks";
import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import type { CortexError } from "../../core/errors.ts";
import type { Clock } from "../../core/graph/resource.ts";
import { causeOf, troubleText } from "./node-group-cause.ts";

/** Of the activities of an Auto Scaling group so many are looked at, the newest. */
const mostActivities = 20;

export interface Trouble {
  /** It will not get ready: why. */
  readonly cause?: CortexError;
  /** What is not as it should be, though it may get so; empty when nothing is known. */
  readonly text: string;
}

/**
 * Reads why a node group is not ready, from EKS and from the Auto Scaling group below it.
 * @param isOld it was begun by an earlier run: what failed before the first look is past, and may go well the next time
 */
export function watchTrouble(
  aws: Aws,
  group: string,
  { clock, isOld }: { readonly clock: Clock; readonly isOld: boolean },
) {
  let troubledSince: number | undefined;
  let past: ReadonlySet<string | undefined> | undefined = isOld ? undefined : new Set();
  return {
    async look(seen: Nodegroup, signal: AbortSignal): Promise<Trouble> {
      const all = await activitiesOf(aws, seen.resources?.autoScalingGroups?.[0]?.name, signal);
      past ??= new Set(all.map(({ ActivityId }) => ActivityId));
      const before = past;
      const activities = all.filter(({ ActivityId }) => !before.has(ActivityId));
      const issues = seen.health?.issues ?? [];
      const text = troubleText({ issues, activities });
      troubledSince = text ? (troubledSince ?? clock.now()) : undefined;
      const troubledMs = troubledSince === undefined ? 0 : clock.now() - troubledSince;
      const cause = causeOf({ group, issues, activities, zoneCount: seen.subnets?.length ?? 1, troubledMs });
      return { text, ...(cause && { cause }) };
    },
  };
}

async function activitiesOf(aws: Aws, name: string | undefined, signal: AbortSignal): Promise<readonly Activity[]> {
  if (name === undefined) return [];
  const autoScaling = await aws.autoScaling();
  try {
    const input = { AutoScalingGroupName: name, MaxRecords: mostActivities };
    return (await autoScaling.describeScalingActivities(input, signal)).Activities ?? [];
  } catch (error) {
    // EKS names it a moment before it is there.
    if (awsErrorName(error) === "ValidationError") return [];
    throw error;
  }
}
