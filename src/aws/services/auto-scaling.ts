import {
  CreateOrUpdateTagsCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeScalingActivitiesCommand,
} from "@aws-sdk/client-auto-scaling";
import { type Calls, read, repeatable } from "../service.ts";

export { AutoScalingClient as Client } from "@aws-sdk/client-auto-scaling";

export const autoScalingOperations = {
  describeAutoScalingGroups: read(DescribeAutoScalingGroupsCommand),
  describeScalingActivities: read(DescribeScalingActivitiesCommand),
  createOrUpdateTags: repeatable(CreateOrUpdateTagsCommand),
} as const;

export type AutoScaling = Calls<typeof autoScalingOperations>;
