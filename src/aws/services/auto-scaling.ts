import { CreateOrUpdateTagsCommand, DescribeScalingActivitiesCommand } from "@aws-sdk/client-auto-scaling";
import { type Calls, read, repeatable } from "../service.ts";

export { AutoScalingClient as Client } from "@aws-sdk/client-auto-scaling";

export const autoScalingOperations = {
  describeScalingActivities: read(DescribeScalingActivitiesCommand),
  createOrUpdateTags: repeatable(CreateOrUpdateTagsCommand),
} as const;

export type AutoScaling = Calls<typeof autoScalingOperations>;
