import { describe, expect, test } from "vitest";
import type { Aws } from "../../src/aws/aws.ts";
import type { Facts } from "../../src/cluster/facts.ts";
import { networkKinds } from "../../src/cluster/resources/network-kinds.ts";
import type { RouteTableWish } from "../../src/cluster/resources/route-table.ts";
import { needsOf, wantedNetwork } from "../../src/cluster/wanted-network.ts";
import { inOrder } from "../../src/core/graph/order.ts";
import { parseCluster } from "../../src/spec/parse-cluster.ts";

const identity = { accountId: "123456789012", arn: "arn:aws:iam::123456789012:user/ann", partition: "aws" };
const zones = ["a", "b", "c"].map((letter, index) => ({ name: `us-east-1${letter}`, id: `use1-az${index + 1}` }));
const facts: Facts = { identity, region: "us-east-1", zones, instanceTypes: new Map(), kubernetesVersion: "1.34" };
const kinds = networkKinds({ aws: { region: "us-east-1" } as Aws, identity, clusterName: "cortex", tags: {} });

async function plan(more: string, extraFacts: Partial<Facts> = {}) {
  const text = `region: us-east-1\nnode_groups:\n  - name: cpu\n    instance_type: m5.large\n${more}`;
  const { cluster } = await parseCluster({ file: "cluster.yaml", text, variables: {} });
  return wantedNetwork(cluster, { ...facts, ...extraFacts }, kinds);
}

const idsOf = ({ wanted }: Awaited<ReturnType<typeof plan>>) => wanted.map(({ id }) => id);

describe("the network of a cluster", () => {
  test("has public subnets and no NAT gateway unless told otherwise", async () => {
    const network = await plan("");
    expect(idsOf(network)).toEqual([
      "bucket",
      "repository",
      "log-group/containers",
      "log-group/control-plane",
      "vpc",
      "internet-gateway",
      "subnet/public-us-east-1a",
      "subnet/public-us-east-1b",
      "subnet/public-us-east-1c",
      "route-table/public",
      "s3-endpoint",
    ]);
    expect(needsOf(network.nodeSubnets)).toEqual(zones.map(({ name }) => `subnet/public-${name}`));
    expect(network.nodesNeed).toEqual(["route-table/public"]);
  });

  test("with private subnets has one NAT gateway, which all of them go by", async () => {
    const network = await plan("subnet_visibility: private");
    expect(idsOf(network).filter((id) => id.startsWith("nat-"))).toEqual([
      "nat-address/us-east-1a",
      "nat-gateway/us-east-1a",
    ]);
    const ways = network.wanted
      .filter(({ id }) => id.startsWith("route-table/private"))
      .map(({ wish }) => (wish as RouteTableWish).wayOut);
    expect(ways).toEqual(zones.map(() => ({ natGateway: "nat-gateway/us-east-1a" })));
    expect(needsOf(network.nodeSubnets)).toEqual(zones.map(({ name }) => `subnet/private-${name}`));
    expect(network.nodesNeed).toEqual(zones.map(({ name }) => `route-table/private-${name}`));
  });

  test("that is highly available has a NAT gateway in every zone", async () => {
    const network = await plan("subnet_visibility: private\nnat_gateway: highly_available");
    const ways = network.wanted
      .filter(({ id }) => id.startsWith("route-table/private"))
      .map(({ wish }) => (wish as RouteTableWish).wayOut);
    expect(ways).toEqual(zones.map(({ name }) => ({ natGateway: `nat-gateway/${name}` })));
  });

  test("of the user's own is taken as it is", async () => {
    const ownNetwork = {
      vpcId: "vpc-1",
      subnets: [
        { id: "subnet-1", zone: "us-east-1a", isPublic: true },
        { id: "subnet-2", zone: "us-east-1b", isPublic: true },
      ],
    };
    const network = await plan("", { ownNetwork });
    expect(idsOf(network)).toEqual(["bucket", "repository", "log-group/containers", "log-group/control-plane"]);
    expect(network.vpc).toEqual({ vpcId: "vpc-1" });
    expect(network.nodeSubnets).toEqual([{ subnetId: "subnet-1" }, { subnetId: "subnet-2" }]);
  });

  test("is made in an order that there is", async () => {
    for (const more of ["", "subnet_visibility: private", "nat_gateway: highly_available"]) {
      const { wanted } = await plan(more);
      expect(inOrder(wanted).length).toBe(wanted.length);
    }
  });

  test("tells load balancers where they may be", async () => {
    const { wanted } = await plan("nat_gateway: single");
    const loadBalancers = wanted
      .filter(({ id }) => id.startsWith("subnet/"))
      .map(({ id, wish }) => [id.split("-")[0], (wish as { loadBalancers: string[] }).loadBalancers]);
    expect(loadBalancers.slice(0, 1)).toEqual([["subnet/public", ["internet-facing"]]]);
    expect(loadBalancers.slice(3, 4)).toEqual([["subnet/private", ["internal"]]]);
  });

  test("is refused when it is too small", async () => {
    await expect(plan("vpc_cidr: 10.0.0.0/28")).rejects.toMatchObject({ code: "SPEC_INVALID" });
  });
});
