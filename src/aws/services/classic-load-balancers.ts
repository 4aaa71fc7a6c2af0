import {
  DeleteLoadBalancerCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
} from "@aws-sdk/client-elastic-load-balancing";
import { type Calls, read, repeatable } from "../service.ts";

export { ElasticLoadBalancingClient as Client } from "@aws-sdk/client-elastic-load-balancing";

export const classicLoadBalancerOperations = {
  describeLoadBalancers: read(DescribeLoadBalancersCommand),
  describeTags: read(DescribeTagsCommand),
  deleteLoadBalancer: repeatable(DeleteLoadBalancerCommand),
} as const;

export type ClassicLoadBalancers = Calls<typeof classicLoadBalancerOperations>;
