import { expect, test } from "vitest";
import { processorQuota, quotas } from "../../../src/cluster/preflight/quota-list.ts";
import { type Demand, demandsOf, judgeQuotas } from "../../../src/cluster/preflight/quotas.ts";
import type { Usage } from "../../../src/cluster/preflight/usage.ts";
import { clusterFrom, types } from "../support/clusters.ts";

const unused: Usage = {
  processors: new Map(),
  addresses: 0,
  vpcs: 1,
  internetGateways: 1,
  natGateways: new Map([["us-east-1a", 2]]),
  clusters: 0,
  networkLoadBalancers: 3,
};
const facts = {
  identity: { accountId: "123456789012", arn: "arn:aws:iam::123456789012:user/ada", partition: "aws" },
  region: "us-east-1",
  zones: [],
  instanceTypes: types,
  kubernetesVersion: "1.34",
};
const standard = processorQuota("m5.large", "on-demand")!;

test.each([
  ["m5.large", "L-1216C47A", "L-34B43A08"],
  ["t3.medium", "L-1216C47A", "L-34B43A08"],
  ["im4gn.large", "L-1216C47A", "L-34B43A08"],
  ["inf1.xlarge", "L-1945791B", "L-B5D1601B"],
  ["g4dn.xlarge", "L-DB2E81BA", "L-3819A6DF"],
  ["gr6.4xlarge", "L-DB2E81BA", "L-3819A6DF"],
  ["p3.2xlarge", "L-417A185B", "L-7212CCBC"],
  ["p5.48xlarge", "L-417A185B", "L-C4BD4855"],
  ["x2idn.16xlarge", "L-7295265B", "L-E3A00192"],
  ["hpc7g.4xlarge", "L-F7808C92", undefined],
  ["unheard.large", undefined, undefined],
])("processors of %s are limited by %s on demand and %s on the spot market", (type, onDemand, spot) => {
  expect(processorQuota(type, "on-demand")?.code).toBe(onDemand);
  expect(processorQuota(type, "spot")?.code).toBe(spot);
});

test("a new cluster needs what its plan makes, and processors for its smallest size", async () => {
  const cluster = await clusterFrom(
    "node_groups: [{name: cpu, instance_type: m5.large, min_instances: 2}, {name: gpu, instance_type: g4dn.xlarge, spot: true, min_instances: 0}]",
  );
  const creates = [
    "vpc",
    "internet-gateway",
    "nat-address/us-east-1a",
    "nat-gateway/us-east-1a",
    "control-plane",
    "node-group/cpu",
  ];
  const demands = demandsOf({ cluster, facts, creates }, unused);
  expect(demands.map(({ quota, used, more, mostMore, where }) => [quota.name, used, more, mostMore, where])).toEqual([
    ["VPCs", 1, 1, undefined, undefined],
    ["internet gateways", 1, 1, undefined, undefined],
    ["Elastic IP addresses", 0, 1, undefined, undefined],
    ["NAT gateways per zone", 2, 1, undefined, "us-east-1a"],
    ["EKS clusters", 0, 1, undefined, undefined],
    ["network load balancers", 3, 1, undefined, undefined],
    ["managed node groups per cluster", 0, 2, undefined, undefined],
    [standard.name, 0, 4, 10, undefined],
    ["processors of spot G and VT instances", 0, 0, 20, undefined],
  ]);
});

test("what a cluster runs already is not needed again", async () => {
  const cluster = await clusterFrom(
    "node_groups: [{name: cpu, instance_type: m5.large, min_instances: 4, max_instances: 8}]",
  );
  const usage = { ...unused, processors: new Map([[standard.code, { all: 26, ours: 6 }]]) };
  expect(demandsOf({ cluster, facts, creates: [] }, usage)).toEqual([
    { quota: standard, used: 26, more: 2, mostMore: 10 },
  ]);
});

test("what is missing now is a reason against, what may be missing later a warning", () => {
  const judged = (demand: Partial<Demand>, limit: number) =>
    judgeQuotas([{ quota: standard, used: 8, more: 4, ...demand }], new Map([[standard.code, limit]]), "us-east-1");
  expect(judged({}, 12)).toEqual({ findings: [], warnings: [] });
  expect(judged({}, 11)).toEqual({
    findings: [
      {
        code: "NO_CAPACITY",
        message: `${standard.name}: 8 of 11 are in use, and 4 more are needed`,
        hint: "ask AWS for 12: https://us-east-1.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/L-1216C47A",
      },
    ],
    warnings: [],
  });
  expect(judged({ mostMore: 10 }, 16).warnings).toEqual([
    expect.stringContaining("8 of 16 are in use, and this cluster may come to need 10 more"),
  ]);
  expect(judged({ used: 0 }, 0).findings[0]!.message).toContain("0 is the most, and 4 more are needed");
});

test("a limit that AWS does not tell is not judged", () => {
  const demand = { quota: quotas.vpcs, used: 5, more: 1 };
  expect(judgeQuotas([demand], new Map(), "us-east-1")).toEqual({ findings: [], warnings: [] });
  expect(
    judgeQuotas([{ ...demand, where: "us-east-1a" }], new Map([[quotas.vpcs.code, 5]]), "us-east-1").findings[0]!
      .message,
  ).toBe("VPCs, us-east-1a: 5 of 5 are in use, and 1 more are needed");
});
