import type { Aws } from "../../aws/aws.ts";
import { partsOf } from "../pages.ts";
import { eksClusterTag, eksNodeGroupTag, runningInstances } from "../preflight/usage.ts";
import { type Tags, tagList } from "./tags.ts";

export interface TaggedNodes {
  readonly clusterName: string;
  readonly nodeGroup: string;
  readonly autoScalingGroup: string;
}

/** EC2 tags so many things at once. */
const mostResources = 500;

/**
 * Writes tags on the nodes of a group that is there, now and to come, without exchanging any: what a new version of their launch
 * template says would reach none before that. An Auto Scaling group gives its tags to instances, over those of the template; disks
 * and interfaces of nodes to come have those of the template's version.
 */
export async function tagNodes(aws: Aws, of: TaggedNodes, tags: Tags, signal: AbortSignal): Promise<void> {
  const group = { ResourceId: of.autoScalingGroup, ResourceType: "auto-scaling-group", PropagateAtLaunch: true };
  // First, so that no node comes in between without them.
  await (await aws.autoScaling()).createOrUpdateTags(
    { Tags: tagList(tags).map((tag) => ({ ...group, ...tag })) },
    signal,
  );
  const filters = [
    { Name: `tag:${eksClusterTag}`, Values: [of.clusterName] },
    { Name: `tag:${eksNodeGroupTag}`, Values: [of.nodeGroup] },
  ];
  const nodes = await runningInstances(aws, filters, signal);
  const resources = nodes.flatMap(({ InstanceId, BlockDeviceMappings = [], NetworkInterfaces = [] }) => [
    ...(InstanceId === undefined ? [] : [InstanceId]),
    ...BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.VolumeId ?? []),
    ...NetworkInterfaces.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? []),
  ]);
  const ec2 = await aws.ec2();
  for (const Resources of partsOf(resources, mostResources)) {
    await ec2.createTags({ Resources, Tags: tagList(tags) }, signal);
  }
}
