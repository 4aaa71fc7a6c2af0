import type { Activity } from "@aws-sdk/client-auto-scaling";
import type { Issue } from "@aws-sdk/client-eks";
import { CortexError } from "../../core/errors.ts";
import { issuesText } from "./eks-calls.ts";

/** What a look at a node group that does not get ready shows. */
export interface Trouble {
  readonly group: string;
  readonly issues: readonly Pick<Issue, "code" | "message" | "resourceIds">[];
  /** Of its Auto Scaling group, the newest first; none of before it was begun to wait. */
  readonly activities: readonly Pick<Activity, "StatusCode" | "StatusMessage">[];
  /** How many zones the group is spread over. */
  readonly zoneCount: number;
  /** Milliseconds since instances began to fail to start. */
  readonly troubledMs: number;
}

/** So long another zone, or another moment, may still have room. */
const patienceMs = 120_000;

/**
 * Says why a node group will not get ready, as soon as it is sure.
 * @returns undefined when it still may. One zone without room is no reason: instances are started in the next one
 */
export function causeOf({ group, issues, activities, zoneCount, troubledMs }: Trouble): CortexError | undefined {
  const failures = failuresOf(activities);
  const quota = failures.find((text) => quotaPattern.test(text));
  if (quota !== undefined) return overQuota(group, quota);
  const [final] = failures.filter((text) => !capacityPattern.test(text));
  if (final !== undefined) return cannotStart(group, final);
  const isHopeless = failures.some((text) => nowherePattern.test(text)) || failures.length >= zoneCount;
  if (failures[0] !== undefined && (isHopeless || troubledMs >= patienceMs)) return noCapacity(group, failures[0]);
  const lasting = issues.filter(({ code = "" }) => !passing.has(code));
  return lasting.length > 0 ? unhealthy(group, lasting) : undefined;
}

/** @returns what is not as it should be now, for the line of the group; empty when nothing is known */
export function troubleText({ issues, activities }: Pick<Trouble, "issues" | "activities">): string {
  const [latest] = failuresOf(activities);
  return latest ?? issuesText(issues);
}

/** Those after the last instance that did start. */
function failuresOf(activities: Trouble["activities"]): readonly string[] {
  const success = activities.findIndex(({ StatusCode }) => StatusCode === "Successful");
  const since = success === -1 ? activities : activities.slice(0, success);
  return since.flatMap(({ StatusCode, StatusMessage }) =>
    StatusCode === "Failed" || StatusCode === "Cancelled" ? [clean(StatusMessage ?? "")] : [],
  );
}

const quotaPattern =
  /VcpuLimitExceeded|InstanceLimitExceeded|MaxSpotInstanceCountExceeded|SpotMaxPrice|current vCPU limit|VolumeLimitExceeded|limit of \d+/i;
const capacityPattern =
  /InsufficientInstanceCapacity|UnfulfillableCapacity|do not have sufficient|no Spot capacity|InsufficientHostCapacity|Unsupported.*Availability Zone|capacity-not-available/i;
/** Said of all zones together. */
const nowherePattern = /UnfulfillableCapacity|no Spot capacity/i;

/** May go over by itself. */
const passing: ReadonlySet<string> = new Set(["InternalFailure", "ClusterUnreachable", "Unknown"]);

function overQuota(group: string, text: string): CortexError {
  const isSpot = /Spot/i.test(text);
  const quota = isSpot ? "All ... Spot Instance Requests" : "Running On-Demand ... instances";
  return new CortexError("NO_CAPACITY", `node group ${group}: ${text}`, {
    hint: `ask for a higher "${quota}" quota of EC2 (it counts vCPUs) under Service Quotas, or lower min_instances; then run the same command again`,
  });
}

function noCapacity(group: string, text: string): CortexError {
  return new CortexError(
    "NO_CAPACITY",
    `node group ${group}: AWS has no such instances to give in any of its zones: ${text}`,
    {
      hint: "name another instance_type (or more of them in spot_config.instance_distribution), or try later",
    },
  );
}

function cannotStart(group: string, text: string): CortexError {
  return new CortexError("FAILED", `node group ${group}: its instances cannot be started: ${text}`, {
    hint: "put right what AWS names and run the same command again",
  });
}

function unhealthy(group: string, issues: Trouble["issues"]): CortexError {
  const isNeverJoined = issues.some(({ code }) => code === "NodeCreationFailure");
  const isFull = issues.some(({ code = "", message = "" }) => {
    return /Limit|Insufficient/.test(code) || quotaPattern.test(message) || capacityPattern.test(message);
  });
  const code = isFull ? "NO_CAPACITY" : "FAILED";
  return new CortexError(code, `node group ${group}: ${issuesText(issues)}`, {
    hint: isNeverJoined
      ? "its instances start, but reach no control plane: in own subnets they need a way to the internet (a NAT gateway, or public addresses), and a VPC with DNS host names"
      : "put right what EKS names and run the same command again",
  });
}

/** Auto Scaling repeats what is known, and ends with what to do in its own console. */
function clean(text: string): string {
  return text
    .replace(/\s*Launching EC2 instance failed\.?$/, "")
    .replace(/\.$/, "")
    .trim();
}
