import {
  AuthorizeSecurityGroupIngressCommand,
  CreateNetworkInterfaceCommand,
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  DeleteRouteCommand,
  DeleteSubnetCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  DescribeVpcsCommand,
  DisassociateRouteTableCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findLeftovers } from "../../../src/cluster/leftovers.ts";
import { type Emulator, startEmulator } from "../../aws/emulator.ts";
import { type BenchOptions, networkBench, never } from "../support/network.ts";

// The first calls to a service make the emulator load it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let emulator: Emulator;
let clusters = 0;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(() => emulator[Symbol.asyncDispose]());

function newBench(options: Omit<BenchOptions, "emulator" | "clusterName"> = {}) {
  clusters += 1;
  return networkBench({ emulator, clusterName: `network-${clusters}`, ...options });
}

const privateNetwork = "subnet_visibility: private\nnat_gateway: highly_available";

describe("the network of a cluster", () => {
  test.each([
    ["with public subnets", ""],
    ["with private subnets and a NAT gateway in each zone", privateNetwork],
  ])("%s is made, stays as it is when it is asked for again, and goes without a trace", async (_, settings) => {
    await using bench = await newBench({ settings });
    const before = await emulator.inventory.names();
    expect(await bench.up()).toMatchObject({ failures: [], blocked: [] });
    expect((await emulator.inventory.names()).length).toBeGreaterThan(before.length + 8);

    expect(await bench.changes()).toEqual([]);

    expect(await bench.down()).toMatchObject({ failures: [], blocked: [] });
    expect(await emulator.inventory.names()).toEqual(before);
  });

  test("is looked at with one request for each kind, and two at most for what has a name of its own", async () => {
    await using bench = await newBench({ settings: privateNetwork });
    await bench.up();
    emulator.calls.clear();
    await bench.plan();
    expect(emulator.calls.counts()).toEqual({
      "ec2:DescribeVpcs": 1,
      "ec2:DescribeVpcAttribute": 1,
      "ec2:DescribeSubnets": 1,
      "ec2:DescribeInternetGateways": 1,
      "ec2:DescribeAddresses": 1,
      "ec2:DescribeNatGateways": 1,
      "ec2:DescribeRouteTables": 1,
      "ec2:DescribeVpcEndpoints": 1,
      "s3:GetBucketTagging": 1,
      "s3:GetPublicAccessBlock": 1,
      "ecr:DescribeRepositories": 1,
      "ecr:ListTagsForResource": 1,
      "logs:DescribeLogGroups": 2,
      "logs:ListTagsForResource": 2,
    });
  });

  test("gets the tags of the user, and newer values of them", async () => {
    const clusterName = "tagged";
    await using first = await networkBench({ emulator, clusterName, tags: { team: "vision" } });
    await first.up();
    await using second = await networkBench({ emulator, clusterName, tags: { team: "speech" } });
    expect((await second.changes()).every((change) => change.startsWith("update "))).toBe(true);
    await second.up();
    expect(await second.changes()).toEqual([]);
    const ours = (await emulator.inventory.all()).filter(({ tags }) => tags["cortex.dev/cluster-name"] === clusterName);
    expect(new Set(ours.map(({ tags }) => tags.team))).toEqual(new Set(["speech"]));
  });

  test("has names in DNS, without which EKS does not work", async () => {
    await using bench = await newBench();
    await bench.up();
    const [vpc] = await bench.kinds.vpc.list(never);
    const attribute = { VpcId: vpc?.label, Attribute: "enableDnsHostnames" } as const;
    const { EnableDnsHostnames } = await emulator.moto().ec2.send(new DescribeVpcAttributeCommand(attribute));
    expect(EnableDnsHostnames?.Value).toBe(true);
  });
});

describe("what was changed by hand", () => {
  test("is put right: a NAT gateway that is gone, and the route to it", async () => {
    await using bench = await newBench({ settings: "subnet_visibility: private" });
    await bench.up();
    const [gateway] = await bench.kinds.natGateway.list(never);
    const ec2 = await bench.aws.ec2();
    await ec2.deleteNatGateway({ NatGatewayId: gateway?.label }, never);
    await emulator.clock.sleep(5 * 60_000, never);

    expect(await bench.changes()).toContain("create nat-gateway/us-east-1a");
    expect(await bench.up()).toMatchObject({ failures: [], blocked: [] });
    expect(await bench.changes()).toEqual([]);
    const [made] = await bench.kinds.natGateway.list(never);
    const tables = await bench.kinds.routeTable.list(never);
    expect(tables.filter(({ state }) => state.wayOut === made?.label).length).toBe(3);
  });

  test("is put right: a route that was taken out, a subnet that goes by another table", async () => {
    await using bench = await newBench();
    await bench.up();
    const { ec2 } = emulator.moto();
    const [table] = await bench.kinds.routeTable.list(never);
    await ec2.send(new DeleteRouteCommand({ RouteTableId: table?.label, DestinationCidrBlock: "0.0.0.0/0" }));
    const [association] = Object.values(table?.state.associations ?? {});
    await ec2.send(new DisassociateRouteTableCommand({ AssociationId: association }));

    expect(await bench.changes()).toEqual(["update route-table/public"]);
    await bench.up();
    expect(await bench.changes()).toEqual([]);
    const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [table?.label ?? ""] }));
    expect(RouteTables?.[0]?.Routes?.some(({ DestinationCidrBlock }) => DestinationCidrBlock === "0.0.0.0/0")).toBe(
      true,
    );
    expect(RouteTables?.[0]?.Associations?.length).toBe(3);
  });
});

describe("a network that is changed", () => {
  test("gets NAT gateways in every zone, and gives them back, without a subnet that is made anew", async () => {
    const clusterName = "changed";
    await using single = await networkBench({ emulator, clusterName, settings: "subnet_visibility: private" });
    await using available = await networkBench({ emulator, clusterName, settings: privateNetwork });
    await single.up();
    const labels = async () => (await single.kinds.subnet.list(never)).map(({ label }) => label).sort();
    const subnets = await labels();

    expect((await available.changes()).sort()).toEqual([
      "create nat-address/us-east-1b",
      "create nat-address/us-east-1c",
      "create nat-gateway/us-east-1b",
      "create nat-gateway/us-east-1c",
      "update route-table/private-us-east-1b",
      "update route-table/private-us-east-1c",
    ]);
    expect(await available.up()).toMatchObject({ failures: [], blocked: [] });
    expect(await available.changes()).toEqual([]);

    expect(await single.up()).toMatchObject({ failures: [], blocked: [] });
    expect(await single.changes()).toEqual([]);
    expect((await single.kinds.natGateway.list(never)).length).toBe(1);
    expect(await labels()).toEqual(subnets);
  });

  test("keeps its addresses: other ones are refused before anything is done", async () => {
    const clusterName = "fixed";
    await using first = await networkBench({ emulator, clusterName });
    await first.up();
    await using second = await networkBench({ emulator, clusterName, settings: "vpc_cidr: 10.0.0.0/16" });
    await expect(second.changes()).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringContaining("vpc_cidr"),
    });
  });

  test("names the addresses that somebody else has taken", async () => {
    await using bench = await newBench();
    await bench.up();
    const { ec2 } = emulator.moto();
    const [subnet] = await bench.kinds.subnet.list(never);
    await ec2.send(new DeleteSubnetCommand({ SubnetId: subnet?.label }));
    const taken = { VpcId: subnet?.state.vpcId, CidrBlock: subnet?.state.cidr };
    await ec2.send(new CreateSubnetCommand(taken));
    const { failures } = await bench.up();
    expect(failures[0]?.error).toMatchObject({
      code: "CONFLICT",
      message: `another subnet of ${taken.VpcId} has the addresses ${taken.CidrBlock}`,
    });
  });
});

describe("bad luck while a network is made", () => {
  const settings = "subnet_visibility: private";
  const made = [
    "CreateVpc",
    "CreateSubnet",
    "CreateInternetGateway",
    "CreateRouteTable",
    "AllocateAddress",
    "CreateNatGateway",
    "CreateVpcEndpoint",
    "CreateBucket",
    "CreateRepository",
    "CreateLogGroup",
  ];

  test("leaves nothing twice when answers are lost", async () => {
    await using bench = await newBench({ settings });
    const before = await emulator.inventory.names();
    const changing = ["AttachInternetGateway", "AssociateRouteTable", "CreateRoute", "ModifyVpcAttribute"];
    const faults = [...made, ...changing].map((op) => emulator.faults.add({ op, kind: "lostReply" }));
    expect(await bench.up()).toMatchObject({ failures: [], blocked: [] });
    expect(faults.map(({ met }) => met)).toEqual(faults.map(() => 1));
    expect(await bench.changes()).toEqual([]);
    const names = (await emulator.inventory.names()).filter((name) => !before.includes(name));
    expect(names).toEqual([...new Set(names)]);
  });

  test("waits for what is not seen yet", async () => {
    await using bench = await newBench({ settings });
    const faults = made.map((op) => emulator.faults.add({ op, kind: "notFoundAfterCreate" }));
    expect(await bench.up()).toMatchObject({ failures: [], blocked: [] });
    expect(faults.map(({ met }) => met)).toEqual(faults.map(() => 1));
    // Nobody has asked yet for what came last.
    for (let looks = 0; looks < 3; looks += 1) await bench.plan();
    expect(await bench.changes()).toEqual([]);
  });

  test("a NAT gateway that cannot be had fails with AWS's words, and is made anew the next time", async () => {
    await using bench = await newBench({ settings });
    using _fault = emulator.faults.add({ op: "CreateNatGateway", kind: "capacity" });
    const { failures } = await bench.up();
    expect(failures.map(({ id, error }) => [id, error.message])).toEqual([
      ["nat-gateway/us-east-1a", expect.stringMatching(/^NAT gateway nat-\w+ is failed: /)],
    ]);
    expect(await bench.up()).toMatchObject({ failures: [] });
    expect(await bench.changes()).toEqual([]);
  });
});

describe("what holds a network that is removed", () => {
  test("is deleted with it when nobody uses it: interfaces and security groups that know each other", async () => {
    await using bench = await newBench();
    const before = await emulator.inventory.names();
    await bench.up();
    const { ec2 } = emulator.moto();
    const [vpc] = await bench.kinds.vpc.list(never);
    const [subnet] = await bench.kinds.subnet.list(never);
    const group = async (name: string) =>
      (await ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: name, VpcId: vpc?.label })))
        .GroupId;
    const [one = "", other = ""] = [await group("one"), await group("other")];
    for (const [to, from] of [
      [one, other],
      [other, one],
    ]) {
      const rule = { IpProtocol: "tcp", FromPort: 80, ToPort: 80, UserIdGroupPairs: [{ GroupId: from }] };
      await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: to, IpPermissions: [rule] }));
    }
    await ec2.send(new CreateNetworkInterfaceCommand({ SubnetId: subnet?.label, Groups: [one] }));

    expect(await bench.down()).toMatchObject({ failures: [], blocked: [] });
    expect(await emulator.inventory.names()).toEqual(before);
  });

  test("is named when somebody uses it, and when it is gone the rest goes too", async () => {
    await using bench = await newBench();
    await bench.up();
    const { ec2 } = emulator.moto();
    const [subnet] = await bench.kinds.subnet.list(never);
    const instance = { ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1, SubnetId: subnet?.label };
    const { Instances } = await ec2.send(new RunInstancesCommand(instance));
    const { failures } = await bench.down();
    expect(failures.map(({ error }) => error.code)).toContain("TIMED_OUT");
    expect(failures.map(({ error }) => error.message).join("\n")).toContain(`(instance ${Instances?.[0]?.InstanceId})`);
    const left = await findLeftovers(
      { context: bench.context, kinds: Object.values({ ...bench.kinds, ...bench.made }), perHour: () => undefined },
      never,
    );
    expect(left.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["VPC", "subnet", `network interface of instance ${Instances?.[0]?.InstanceId}`]),
    );
  });

  test("in a bucket goes with it", async () => {
    await using bench = await newBench();
    await bench.up();
    const { s3 } = emulator.moto();
    const [bucket] = await bench.kinds.bucket.list(never);
    const keys = Array.from({ length: 30 }, (_, index) => `jobs/${index}`);
    await Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket: bucket?.label, Key, Body: "x" }))));
    expect(await bench.down()).toMatchObject({ failures: [], blocked: [] });
    expect(await bench.kinds.bucket.list(never)).toEqual([]);
  });
});

test("a network of the user's own is left alone", async () => {
  const { ec2 } = emulator.moto();
  const { Vpcs } = await ec2.send(new DescribeVpcsCommand({}));
  const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
  const subnets = Subnets.slice(0, 2).map(({ SubnetId = "", AvailabilityZone = "" }) => {
    return { id: SubnetId, zone: AvailabilityZone, isPublic: true };
  });
  const facts = { ownNetwork: { vpcId: Vpcs?.[0]?.VpcId ?? "", subnets } };
  await using bench = await newBench({ facts });
  const before = await emulator.inventory.names();
  await bench.up();
  expect((await emulator.inventory.names()).filter((name) => !before.includes(name))).toEqual([
    expect.stringMatching(/^bucket network-/),
    expect.stringMatching(/^log-group .aws.eks/),
    expect.stringMatching(/^log-group .cortex/),
    expect.stringMatching(/^repository/),
  ]);
  await bench.down();
  expect(await emulator.inventory.names()).toEqual(before);
  expect((await ec2.send(new DescribeSubnetsCommand({}))).Subnets?.length).toBe(Subnets.length);
});
