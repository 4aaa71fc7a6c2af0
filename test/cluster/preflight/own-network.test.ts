import type { RouteTable, Subnet } from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import { judgeOwnNetwork } from "../../../src/cluster/preflight/own-network.ts";

const subnet = (letter: string, changes: Partial<Subnet> = {}): Subnet => ({
  SubnetId: `subnet-0${letter}`,
  VpcId: "vpc-1",
  AvailabilityZone: `us-east-1${letter}`,
  AvailableIpAddressCount: 250,
  MapPublicIpOnLaunch: true,
  ...changes,
});
const mainTable: RouteTable = { VpcId: "vpc-1", Associations: [{ Main: true }], Routes: [{ GatewayId: "local" }] };
const publicTable: RouteTable = {
  VpcId: "vpc-1",
  Associations: [{ SubnetId: "subnet-0a" }, { SubnetId: "subnet-0b" }],
  Routes: [{ GatewayId: "local" }, { GatewayId: "igw-1", DestinationCidrBlock: "0.0.0.0/0" }],
};
const named = (letters: string) =>
  [...letters].map((letter) => ({ subnet_id: `subnet-0${letter}`, availability_zone: `us-east-1${letter}` }));

const judge = (letters: string, visibility: "public" | "private", subnets: readonly Subnet[]) =>
  judgeOwnNetwork(
    { subnets: named(letters), subnet_visibility: visibility },
    subnets,
    [mainTable, publicTable],
    "us-east-1",
  );

test("subnets are public by the route table that they use", () => {
  const { network, findings } = judge("abc", "private", [subnet("a"), subnet("b"), subnet("c")]);
  expect(findings).toEqual([]);
  expect(network).toEqual({
    vpcId: "vpc-1",
    subnets: [
      { id: "subnet-0a", zone: "us-east-1a", isPublic: true },
      { id: "subnet-0b", zone: "us-east-1b", isPublic: true },
      { id: "subnet-0c", zone: "us-east-1c", isPublic: false },
    ],
  });
});

test("everything that is wrong with them is told at once", () => {
  const { network, findings } = judge("abcd", "public", [
    subnet("a", { AvailabilityZone: "us-east-1f" }),
    subnet("b", { VpcId: "vpc-2", AvailableIpAddressCount: 3, MapPublicIpOnLaunch: false }),
    subnet("c"),
  ]);
  expect(network).toBeUndefined();
  expect(findings.map(({ message }) => message)).toEqual([
    "subnets: subnet-0a lies in us-east-1f, not in us-east-1a",
    "subnets: subnet-0b has 3 addresses left, and a control plane needs 16",
    "subnets: subnet-0b gives instances no public address: they would reach nothing",
    "subnets: subnet-0c has no route to an internet gateway, and subnet_visibility is public",
    "subnets: there is no subnet-0d in us-east-1",
    "subnets: they lie in 2 networks: vpc-1, vpc-2",
  ]);
  expect(findings.every(({ hint }) => hint !== undefined)).toBe(true);
});
