import type { Aws } from "../../aws/aws.ts";
import { allItems } from "./pages.ts";

/** What a load balancer of any kind is known by. */
export interface LoadBalancer {
  readonly type: "v2" | "classic";
  readonly name: string;
  /** ARN; the name of a classic one. */
  readonly id: string;
  readonly vpcId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number | undefined;
  readonly isMaking: boolean;
}

export async function networkLoadBalancers(aws: Aws, signal: AbortSignal): Promise<LoadBalancer[]> {
  const service = await aws.loadBalancers();
  const all = await allItems(
    (Marker) => service.describeLoadBalancers({ Marker }, signal),
    ({ LoadBalancers }) => LoadBalancers,
    ({ NextMarker }) => NextMarker,
  );
  return all.map((one) => ({
    type: "v2",
    name: one.LoadBalancerName ?? "",
    id: one.LoadBalancerArn ?? "",
    vpcId: one.VpcId ?? "",
    createdAt: one.CreatedTime?.getTime(),
    isMaking: one.State?.Code === "provisioning",
  }));
}

export async function classicLoadBalancers(aws: Aws, signal: AbortSignal): Promise<LoadBalancer[]> {
  const service = await aws.classicLoadBalancers();
  const all = await allItems(
    (Marker) => service.describeLoadBalancers({ Marker }, signal),
    ({ LoadBalancerDescriptions }) => LoadBalancerDescriptions,
    ({ NextMarker }) => NextMarker,
  );
  return all.map((one) => ({
    type: "classic",
    name: one.LoadBalancerName ?? "",
    id: one.LoadBalancerName ?? "",
    vpcId: one.VPCId ?? "",
    createdAt: one.CreatedTime?.getTime(),
    isMaking: false,
  }));
}

/** Tells AWS to delete it; its interfaces stay for a while. Gone already is fine. */
export async function deleteLoadBalancer(aws: Aws, { type, id }: LoadBalancer, signal: AbortSignal): Promise<void> {
  // Both say nothing when there is none of that name.
  if (type === "v2") await (await aws.loadBalancers()).deleteLoadBalancer({ LoadBalancerArn: id }, signal);
  else await (await aws.classicLoadBalancers()).deleteLoadBalancer({ LoadBalancerName: id }, signal);
}

/** Tells AWS to delete every load balancer of a VPC of ours. */
export async function deleteLoadBalancersIn(aws: Aws, vpcId: string, signal: AbortSignal): Promise<void> {
  const all = await Promise.all([networkLoadBalancers(aws, signal), classicLoadBalancers(aws, signal)]);
  const within = all.flat().filter((one) => one.vpcId === vpcId);
  await Promise.all(within.map((one) => deleteLoadBalancer(aws, one, signal)));
}
