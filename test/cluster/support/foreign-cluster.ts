import { CreateSubnetCommand, CreateVpcCommand } from "@aws-sdk/client-ec2";
import type { Aws } from "../../../src/aws/aws.ts";
import type { Emulator } from "../../aws/emulator.ts";

const minuteMs = 60_000;

/** An EKS cluster that somebody else made, with an add-on and rights of a service account, with the one tag that clusters of older Cortex bear. */
export async function makeForeignCluster(
  { aws, emulator }: { readonly aws: Aws; readonly emulator: Emulator },
  name: string,
  vpcId?: string,
): Promise<void> {
  const { signal } = new AbortController();
  const { ec2 } = emulator.moto();
  const VpcId = vpcId ?? (await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }))).Vpc?.VpcId;
  const range = vpcId === undefined ? "10.0" : "192.168";
  const subnetIds = await Promise.all(
    ["a", "b"].map(async (letter, index) => {
      const place = { CidrBlock: `${range}.${250 + index}.0/24`, AvailabilityZone: `us-east-1${letter}` };
      return (await ec2.send(new CreateSubnetCommand({ VpcId, ...place }))).Subnet?.SubnetId ?? "";
    }),
  );
  const roleArn = await makeRole({ aws, emulator }, "theirs-control-plane", "eks.amazonaws.com");
  const podRole = await makeRole({ aws, emulator }, "theirs-pods", "pods.eks.amazonaws.com");
  const eks = await aws.eks();
  const tags = { "cortex.dev/cluster-name": name };
  await eks.createCluster({ name, roleArn, resourcesVpcConfig: { subnetIds }, tags }, signal);
  await emulator.clock.sleep(15 * minuteMs, signal);
  await eks.createAddon({ clusterName: name, addonName: "vpc-cni" }, signal);
  const account = { namespace: "kube-system", serviceAccount: "aws-node" };
  await eks.createPodIdentityAssociation({ clusterName: name, ...account, roleArn: podRole }, signal);
}

async function makeRole(
  { aws, emulator }: { readonly aws: Aws; readonly emulator: Emulator },
  RoleName: string,
  Service: string,
): Promise<string> {
  const { signal } = new AbortController();
  const iam = await aws.iam();
  const given = { Effect: "Allow", Principal: { Service }, Action: ["sts:AssumeRole", "sts:TagSession"] };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [given] });
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument }, signal);
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
  await iam.attachRolePolicy({ RoleName, PolicyArn }, signal);
  await emulator.clock.sleep(minuteMs, signal);
  return Role?.Arn ?? "";
}
