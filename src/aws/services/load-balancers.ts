import {
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { type Calls, read, repeatable } from "../service.ts";

export { ElasticLoadBalancingV2Client as Client } from "@aws-sdk/client-elastic-load-balancing-v2";

export const loadBalancerOperations = {
  describeLoadBalancers: read(DescribeLoadBalancersCommand),
  describeTags: read(DescribeTagsCommand),
  deleteLoadBalancer: repeatable(DeleteLoadBalancerCommand),
  describeTargetGroups: read(DescribeTargetGroupsCommand),
  deleteTargetGroup: repeatable(DeleteTargetGroupCommand),
} as const;

export type LoadBalancers = Calls<typeof loadBalancerOperations>;
