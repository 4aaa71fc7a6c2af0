import { CreateVolumeCommand, DescribeSubnetsCommand, DescribeVolumesCommand } from "@aws-sdk/client-ec2";
import { CreateLoadBalancerCommand, DescribeLoadBalancersCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findLeftovers } from "../../../src/cluster/leftovers.ts";
import { type Emulator, startEmulator } from "../../aws/emulator.ts";
import { type NetworkBench, networkBench, never } from "../support/network.ts";

// The first calls to a service make the emulator load it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
  const trust = { Effect: "Allow", Principal: { Service: "eks.amazonaws.com" }, Action: "sts:AssumeRole" };
  await using bench = await networkBench({ emulator });
  const role = {
    RoleName: "eks",
    AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
  };
  const iam = await bench.aws.iam();
  await iam.createRole(role, never);
  const PolicyArn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
  await iam.attachRolePolicy({ RoleName: "eks", PolicyArn }, never);
  await emulator.clock.sleep(60_000, never);
});
afterAll(() => emulator[Symbol.asyncDispose]());

/** A control plane alone: what Kubernetes makes knows the network by it. */
async function withControlPlane(bench: NetworkBench, subnetIds: string[], during: () => Promise<void>): Promise<void> {
  const eks = await bench.aws.eks();
  const name = bench.context.clusterName;
  const roleArn = `arn:aws:iam::${emulator.account}:role/eks`;
  const tags = { "cortex.dev/cluster-name": name, "cortex.dev/resource": "control-plane" };
  await eks.createCluster({ name, roleArn, resourcesVpcConfig: { subnetIds }, tags }, never);
  await emulator.clock.sleep(20 * 60_000, never);
  const configurationValues = JSON.stringify({
    controller: { extraVolumeTags: { "cortex.dev/cluster-name": name } },
  });
  await eks.createAddon({ clusterName: name, addonName: "aws-ebs-csi-driver", configurationValues }, never);
  await during();
  await eks.deleteCluster({ name }, never);
  await emulator.clock.sleep(20 * 60_000, never);
}

async function makeEverything(clusterName: string): Promise<void> {
  await emulator.kubernetes.loadBalancer(clusterName, "network");
  await emulator.kubernetes.loadBalancer(clusterName, "classic");
  await emulator.kubernetes.volume(clusterName);
  await emulator.kubernetes.lostInterface(clusterName);
}

describe("what Kubernetes made", () => {
  test("in the cluster's own network goes with it, what came after the plan too", async () => {
    const clusterName = "own-network";
    await using bench = await networkBench({ emulator, clusterName });
    const before = await emulator.inventory.names();
    await bench.up();
    const subnets = await bench.kinds.subnet.list(never);
    let plan = await bench.planDown();
    const subnetIds = subnets.map(({ label }) => label);
    await withControlPlane(bench, subnetIds, async () => {
      await makeEverything(clusterName);
      plan = await bench.planDown();
      await emulator.kubernetes.loadBalancer(clusterName, "network");
    });
    expect(plan.steps.map(({ kind }) => kind.name)).toEqual(
      expect.arrayContaining(["load-balancer", "classic-load-balancer", "target-group", "volume"]),
    );
    emulator.calls.clear();
    expect(await bench.down(plan)).toMatchObject({ failures: [], blocked: [] });
    // It asks now and then, not all the time.
    expect(emulator.calls.all.length).toBeLessThan(200);
    // Its target group holds nothing, and is found by its tags when there is no network any more.
    expect(await bench.down()).toMatchObject({ failures: [], blocked: [] });
    expect(await emulator.inventory.names()).toEqual(before);
  });

  test("in a network of the user's own is told apart by its tags", async () => {
    const clusterName = "lent-network";
    const { ec2, elbv2 } = emulator.moto();
    const { Subnets = [] } = await ec2.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: "default-for-az", Values: ["true"] }] }),
    );
    const subnets = Subnets.slice(0, 2).map(({ SubnetId = "", AvailabilityZone = "" }) => {
      return { id: SubnetId, zone: AvailabilityZone, isPublic: true };
    });
    const facts = { ownNetwork: { vpcId: Subnets[0]?.VpcId ?? "", subnets } };
    await using bench = await networkBench({ emulator, clusterName, facts });
    const subnetIds = subnets.map(({ id }) => id);
    await elbv2.send(new CreateLoadBalancerCommand({ Name: "foreign", Type: "network", Subnets: subnetIds }));
    const { VolumeId } = await ec2.send(new CreateVolumeCommand({ AvailabilityZone: "us-east-1a", Size: 1 }));
    await withControlPlane(bench, subnetIds, () => makeEverything(clusterName));

    const kinds = Object.values({ ...bench.kinds, ...bench.made });
    const left = await findLeftovers({ context: bench.context, kinds, perHour: () => 0.01 }, never);
    expect(left.map(({ what }) => what).sort()).toEqual([
      "classic load balancer",
      "load balancer",
      "network interface",
      "security group",
      "security group",
      // Of the control plane: EKS leaves it behind when another group is let in by it.
      "security group",
      "target group",
      "volume of 10 GB",
    ]);
    expect(left.find(({ what }) => what === "load balancer")?.perHour).toBe(0.01);
    expect(await bench.down()).toMatchObject({ failures: [], blocked: [] });
    expect(await findLeftovers({ context: bench.context, kinds, perHour: () => 0.01 }, never)).toEqual([]);

    const { LoadBalancers } = await elbv2.send(new DescribeLoadBalancersCommand({}));
    expect(LoadBalancers?.map(({ LoadBalancerName }) => LoadBalancerName)).toEqual(["foreign"]);
    const { Volumes } = await ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes?.map((volume) => volume.VolumeId)).toEqual([VolumeId]);
  });
});
