import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  CreateVolumeCommand,
} from "@aws-sdk/client-ec2";
import { CreateLoadBalancerCommand as CreateClassicCommand } from "@aws-sdk/client-elastic-load-balancing";
import { CreateLoadBalancerCommand, CreateTargetGroupCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { addInterface } from "./shim/ec2/interfaces.ts";
import { clusterOf } from "./shim/eks/state.ts";
import type { World } from "./shim/world.ts";

/** What runs in a cluster makes things in AWS, which know the cluster by a tag and hold its network. */
export interface KubernetesMade {
  /** For a Service: a load balancer with its security group, which the cluster's own one lets in, and its interfaces. */
  loadBalancer(cluster: string, kind: "network" | "classic", region?: string): Promise<{ readonly name: string }>;
  /** For a claim that nobody removed. @param ageMs it was made so long ago @returns its id */
  volume(cluster: string, region?: string, ageMs?: number): Promise<string>;
  /** That vpc-cni leaves behind when a node goes at a bad moment. @returns its id */
  lostInterface(cluster: string, region?: string): Promise<string>;
}

/** What it may be set to. */
interface Driver {
  readonly controller?: { readonly extraVolumeTags?: Readonly<Record<string, string>> };
}

export function kubernetesMade(world: World, home: string): KubernetesMade {
  const find = (name: string, region: string) => {
    const { cluster } = clusterOf(world.in(region), name);
    const { subnetIds = [], vpcId = "", clusterSecurityGroupId = "" } = cluster.resourcesVpcConfig ?? {};
    return { state: world.in(region), moto: world.moto(region), subnetIds, vpcId, clusterSecurityGroupId };
  };
  return {
    async loadBalancer(cluster, kind, region = home) {
      const { state, moto, subnetIds, vpcId, clusterSecurityGroupId } = find(cluster, region);
      const name = `a${crypto.randomUUID().replaceAll("-", "")}`.slice(0, 32);
      const Tags = tagsOf(cluster, { "kubernetes.io/service-name": "envoy-gateway-system/cortex" });
      const { GroupId } = await moto.ec2.send(
        new CreateSecurityGroupCommand({
          GroupName: `k8s-elb-${name}`,
          Description: `Security group for Kubernetes ELB ${name} (envoy-gateway-system/cortex)`,
          VpcId: vpcId,
          TagSpecifications: [{ ResourceType: "security-group", Tags: tagsOf(cluster, {}) }],
        }),
      );
      const IpPermissions = [{ IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: GroupId! }] }];
      await moto.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: clusterSecurityGroupId, IpPermissions }));
      let description = `ELB ${name}`;
      if (kind === "network") {
        const input = {
          Name: name,
          Type: "network" as const,
          Scheme: "internet-facing" as const,
          Subnets: subnetIds,
          Tags,
        };
        const { LoadBalancers = [] } = await moto.elbv2.send(new CreateLoadBalancerCommand(input));
        description = `ELB ${LoadBalancers[0]!.LoadBalancerArn!.split("loadbalancer/")[1]}`;
        const target = { Name: `k8s-${name}`.slice(0, 32), Protocol: "TCP" as const, Port: 31_080, VpcId: vpcId, Tags };
        await moto.elbv2.send(new CreateTargetGroupCommand(target));
      } else {
        const Listeners = [{ Protocol: "tcp", LoadBalancerPort: 80, InstancePort: 31_080 }];
        const input = { LoadBalancerName: name, Listeners, Subnets: subnetIds, SecurityGroups: [GroupId!], Tags };
        await moto.elb.send(new CreateClassicCommand(input));
      }
      const type = kind === "network" ? ("network_load_balancer" as const) : ("interface" as const);
      for (const [index, subnetId] of subnetIds.slice(0, 2).entries()) {
        const record = { status: "in-use" as const, isManaged: true, type, publicIp: `198.51.100.${index + 1}` };
        await addInterface(moto, state, { subnetId, groups: [GroupId!], description, record, tags: {} });
      }
      return { name };
    },
    async volume(cluster, region = home, ageMs = 0) {
      const { state, moto } = find(cluster, region);
      const driver = clusterOf(state, cluster).addons.get("aws-ebs-csi-driver")?.addon.configurationValues;
      const { controller = {} } = JSON.parse(driver || "{}") as Driver;
      const own = { "ebs.csi.aws.com/cluster": "true", CSIVolumeName: `pvc-${crypto.randomUUID()}` };
      const tags = tagsOf(cluster, { ...own, ...(ageMs === 0 && controller.extraVolumeTags) });
      const { VolumeId } = await moto.ec2.send(
        new CreateVolumeCommand({
          AvailabilityZone: `${region}a`,
          Size: 10,
          VolumeType: "gp3",
          TagSpecifications: [{ ResourceType: "volume", Tags: tags }],
        }),
      );
      state.volumes.set(VolumeId!, world.clock.now() - ageMs);
      return VolumeId!;
    },
    lostInterface(cluster, region = home) {
      const { state, moto, subnetIds, clusterSecurityGroupId } = find(cluster, region);
      return addInterface(moto, state, {
        subnetId: subnetIds[0]!,
        groups: [clusterSecurityGroupId],
        description: "aws-K8S-i-0123456789abcdef0",
        record: { status: "available", isManaged: false, type: "interface" },
        tags: {
          "node.k8s.amazonaws.com/instance_id": "i-0123456789abcdef0",
          "cluster.k8s.amazonaws.com/name": cluster,
        },
      });
    },
  };
}

function tagsOf(cluster: string, more: Readonly<Record<string, string>>) {
  const all = { [`kubernetes.io/cluster/${cluster}`]: "owned", ...more };
  return Object.entries(all).map(([Key, Value]) => ({ Key, Value }));
}
