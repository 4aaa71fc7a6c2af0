import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  ModifySubnetAttributeCommand,
  ModifyVpcAttributeCommand,
} from "@aws-sdk/client-ec2";
import type { Emulator } from "../../aws/emulator.ts";

/** A cluster, and what is in the account beside it. */
export interface Scene {
  readonly name: string;
  /** cluster.yaml, but for what `prepare` adds. */
  readonly file: string;
  /** Makes what is its owner's own, and stays. @returns lines of cluster.yaml about it */
  prepare?(emulator: Emulator): Promise<string>;
  /** What its Kubernetes makes once it is up. */
  live?(emulator: Emulator): Promise<void>;
}

export const clusterName = "demo";

function fileOf(
  settings: string,
  group = "instance_type: m5.large\n    min_instances: 1\n    max_instances: 2",
): string {
  return `
cluster_name: ${clusterName}
region: us-east-1
availability_zones: [us-east-1a, us-east-1b]
${settings}
node_groups:
  - name: cpu
    ${group}
`;
}

/** The smallest that has everything: nodes without public addresses, and so a NAT gateway with its address. */
export const privateScene: Scene = {
  name: "nodes without public addresses",
  file: fileOf("subnet_visibility: private\nnat_gateway: single"),
};

/** The others differ from it in what they make, or in what is there when they are taken away. */
export const otherScenes: readonly Scene[] = [
  { name: "nodes with public addresses", file: fileOf("subnet_visibility: public\nnat_gateway: none") },
  {
    name: "a NAT gateway in every zone",
    file: fileOf("subnet_visibility: private\nnat_gateway: highly_available"),
  },
  {
    name: "spot instances above a base of others",
    file: fileOf(
      "subnet_visibility: private\nnat_gateway: single",
      "instance_type: m5.large\n    min_instances: 2\n    max_instances: 4\n    spot: true\n    spot_config: {on_demand_base_capacity: 1}",
    ),
  },
  {
    name: "what Kubernetes made",
    file: privateScene.file,
    live: kubernetesMade,
  },
  {
    name: "what Kubernetes made in subnets of one's own",
    file: fileOf("subnet_visibility: public").replace(/availability_zones.*\n/, ""),
    prepare: ownSubnets,
    live: kubernetesMade,
  },
];

/** Two, which give what starts in them public addresses and lead to the internet. */
async function ownSubnets(emulator: Emulator): Promise<string> {
  const { ec2 } = emulator.moto();
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));
  const VpcId = Vpc!.VpcId!;
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
  const GatewayId = InternetGateway!.InternetGatewayId!;
  await ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId: GatewayId }));
  const { RouteTable } = await ec2.send(new CreateRouteTableCommand({ VpcId }));
  const RouteTableId = RouteTable!.RouteTableId!;
  await ec2.send(new CreateRouteCommand({ RouteTableId, DestinationCidrBlock: "0.0.0.0/0", GatewayId }));
  await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: true } }));
  const subnets = ["us-east-1a", "us-east-1b"].map(async (zone, index) => {
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({ VpcId, CidrBlock: `10.0.${index}.0/24`, AvailabilityZone: zone }),
    );
    const SubnetId = Subnet!.SubnetId!;
    await ec2.send(new ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value: true } }));
    await ec2.send(new AssociateRouteTableCommand({ SubnetId, RouteTableId }));
    return `{subnet_id: ${SubnetId}, availability_zone: ${zone}}`;
  });
  return `subnets: [${(await Promise.all(subnets)).join(", ")}]\n`;
}

async function kubernetesMade({ kubernetes }: Emulator): Promise<void> {
  await kubernetes.loadBalancer(clusterName, "network");
  await kubernetes.loadBalancer(clusterName, "classic");
  await kubernetes.volume(clusterName);
  await kubernetes.lostInterface(clusterName);
}
