import type { Nodegroup as Described } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import type { Found } from "../../core/graph/resource.ts";
import { clusterTag } from "./context.ts";
import { issuesText, orAbsent } from "./eks-calls.ts";
import { namesOf } from "./names.ts";
import type { NodeGroup } from "./node-group.ts";
import { allItems } from "./pages.ts";

export function describe(eks: Eks, clusterName: string, nodegroupName: string, signal: AbortSignal) {
  return orAbsent(eks.describeNodegroup({ clusterName, nodegroupName }, signal)).then((found) => found?.nodegroup);
}

export async function allGroups(eks: Eks, clusterName: string, signal: AbortSignal): Promise<readonly string[]> {
  const list = (nextToken: string | undefined) =>
    orAbsent(eks.listNodegroups({ clusterName, ...(nextToken && { nextToken }) }, signal));
  return allItems(
    list,
    (page) => page?.nodegroups,
    (page) => page?.nextToken,
  );
}

/** One whose tags were taken away has the role and the launch template still that only Cortex names so. */
export function isOurs(group: Described, clusterName: string): boolean {
  const { tags = {}, nodeRole, launchTemplate, nodegroupName = "", nodegroupArn = "" } = group;
  const owner = tags[clusterTag];
  if (owner !== undefined) return owner === clusterName;
  const [, , , region = "", accountId = ""] = nodegroupArn.split(":");
  const names = namesOf({ clusterName, accountId, region });
  const hasOurRole = nodeRole?.endsWith(`/${names.role("nodes")}`) === true;
  return hasOurRole && launchTemplate?.name === names.launchTemplate(nodegroupName);
}

export function foundOf(group: Described): Found<NodeGroup> {
  const state = stateOf(group);
  const status = isLost(group) ? "failed" : (statuses[state.status] ?? "ready");
  const { launchTemplate, name } = state;
  return {
    id: `node-group/${name}`,
    label: name,
    state,
    status,
    ...(status === "failed" && { cause: state.issues || "EKS says no more" }),
    ...(group.createdAt && { createdAt: group.createdAt.getTime() }),
    uses: [...state.subnetIds, ...(launchTemplate ? [launchTemplate.templateId] : [])],
  };
}

const statuses: Readonly<Record<string, Found<unknown>["status"]>> = {
  CREATING: "making",
  UPDATING: "changing",
  DELETING: "removing",
  CREATE_FAILED: "failed",
  DELETE_FAILED: "failed",
};

/** What it was made of is gone, and EKS takes nothing else in its place. */
const lost: ReadonlySet<string> = new Set(["Ec2LaunchTemplateNotFound", "AutoScalingGroupNotFound"]);

function isLost({ status, health }: Described): boolean {
  return status === "DEGRADED" && (health?.issues ?? []).some(({ code = "" }) => lost.has(code));
}

/** Pure. */
export function stateOf(group: Described): NodeGroup {
  const { launchTemplate, scalingConfig, resources } = group;
  const [autoScalingGroup] = resources?.autoScalingGroups ?? [];
  return {
    name: group.nodegroupName ?? "",
    arn: group.nodegroupArn ?? "",
    status: group.status ?? "",
    version: group.version ?? "",
    releaseVersion: group.releaseVersion ?? "",
    min: scalingConfig?.minSize ?? 0,
    max: scalingConfig?.maxSize ?? 0,
    desired: scalingConfig?.desiredSize ?? 0,
    instanceTypes: group.instanceTypes ?? [],
    isSpot: group.capacityType === "SPOT",
    amiType: group.amiType ?? "",
    labels: group.labels ?? {},
    taints: (group.taints ?? []).map(({ key = "", value = "", effect = "" }) => ({ key, value, effect })),
    subnetIds: group.subnets ?? [],
    ...(launchTemplate?.id && {
      launchTemplate: { templateId: launchTemplate.id, version: Number(launchTemplate.version) },
    }),
    ...(autoScalingGroup?.name && { autoScalingGroup: autoScalingGroup.name }),
    issues: issuesText(group.health?.issues),
    tags: group.tags ?? {},
  };
}
