import { DescribeLoadBalancersCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { findInterfaces, removeInterface } from "./ec2/interfaces.ts";
import type { Handlers, Handling } from "./world.ts";

/** A load balancer is gone at once; its network interfaces only after a while. */
export const loadBalancerHandlers: Handlers = {
  DeleteLoadBalancer: async (handling) => {
    const arn = handling.request.form.get("LoadBalancerArn") ?? "";
    const command = new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] });
    const found = await handling.moto.elbv2.send(command).catch(() => undefined);
    const reply = await handling.forward();
    const name = found?.LoadBalancers?.[0]?.LoadBalancerArn?.split("loadbalancer/")[1];
    if (reply.status === 200 && name !== undefined) releaseLater(handling, `ELB ${name}`);
    return reply;
  },
};

export const classicLoadBalancerHandlers: Handlers = {
  DeleteLoadBalancer: async (handling) => {
    const reply = await handling.forward();
    if (reply.status === 200) releaseLater(handling, `ELB ${handling.request.form.get("LoadBalancerName")}`);
    return reply;
  },
};

function releaseLater({ world, moto, region }: Handling, description: string) {
  world.timeline.plan(world.clock.now() + world.times.deleteLoadBalancer, async () => {
    const interfaces = await findInterfaces(moto, { description });
    for (const { NetworkInterfaceId } of interfaces) await removeInterface(moto, region, NetworkInterfaceId!);
  });
}
