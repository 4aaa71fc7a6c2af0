import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { actionOf, type ServiceName } from "../../src/aws/endpoints.ts";
import { actionsOfCalls } from "../../src/aws/rights-of-calls.ts";
import type { Operations } from "../../src/aws/service.ts";
import { autoScalingOperations } from "../../src/aws/services/auto-scaling.ts";
import { certificateOperations } from "../../src/aws/services/certificates.ts";
import { classicLoadBalancerOperations } from "../../src/aws/services/classic-load-balancers.ts";
import { ec2Operations } from "../../src/aws/services/ec2.ts";
import { ecrOperations } from "../../src/aws/services/ecr.ts";
import { eksOperations } from "../../src/aws/services/eks.ts";
import { iamOperations } from "../../src/aws/services/iam.ts";
import { loadBalancerOperations } from "../../src/aws/services/load-balancers.ts";
import { logsOperations } from "../../src/aws/services/logs.ts";
import { pricingOperations } from "../../src/aws/services/pricing.ts";
import { quotaOperations } from "../../src/aws/services/quotas.ts";
import { s3Operations } from "../../src/aws/services/s3.ts";
import { stsOperations } from "../../src/aws/services/sts.ts";
import { policiesFor, rightsFor } from "../../src/cluster/policies.ts";
import { namesOf } from "../../src/cluster/resources/names.ts";
import { rolePurposes } from "../../src/cluster/resources/role-purposes.ts";
import { cloudActivities, type PolicyDocument } from "../../src/core/cloud-rights.ts";
import { type Asked, isAllowed } from "../aws/policy-evaluator.ts";

const services: Readonly<Record<ServiceName, Operations>> = {
  autoScaling: autoScalingOperations,
  certificates: certificateOperations,
  classicLoadBalancers: classicLoadBalancerOperations,
  ec2: ec2Operations,
  ecr: ecrOperations,
  eks: eksOperations,
  iam: iamOperations,
  loadBalancers: loadBalancerOperations,
  logs: logsOperations,
  pricing: pricingOperations,
  quotas: quotaOperations,
  s3: s3Operations,
  sts: stsOperations,
};

function textOfSource(): string {
  const source = join(import.meta.dirname, "../../src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  return files.map((path) => readFileSync(join(source, path), "utf8")).join("\n");
}

/** AWS takes no longer one as a policy of its own; white space is not counted. */
const mostCharacters = 6_144;

const prod = { clusterName: "prod", region: "eu-west-1", accountId: "123456789012" };

function statementsOf(documents: readonly PolicyDocument[]) {
  return documents.flatMap(({ Statement }) => Statement);
}

describe("the policy for commands", () => {
  test("leaves out no call that there is, and has none that there is not", () => {
    const there = Object.entries(services).flatMap(([service, operations]) =>
      Object.keys(operations).map((call) => actionOf(service as ServiceName, call)),
    );
    const allowed = cloudActivities.flatMap(actionsOfCalls);
    expect([...new Set(there)].filter((action) => !allowed.includes(action))).toEqual([]);
    expect([...new Set(allowed)].filter((action) => !there.includes(action))).toEqual([]);
  });

  test("no service has a call that nothing makes", () => {
    const source = textOfSource();
    const idle = Object.entries(services).flatMap(([service, operations]) =>
      Object.keys(operations)
        .filter((call) => !source.includes(`.${call}(`))
        .map((call) => `${service}.${call}`),
    );
    expect(idle).toEqual([]);
  });

  test("calls that only read have rights that only read", () => {
    for (const activity of ["diff", "info", "list", "export", "health", "logs"] as const) {
      const actions = rightsFor(activity, {}).map(({ action }) => action);
      expect(actions.filter((action) => !/:(Describe|List|Get|Head|Simulate|Filter)/.test(action))).toEqual([]);
    }
  });

  test.each([[[]], ...cloudActivities.map((one) => [[one]])])(
    "%j: fits into policies of AWS, all of it",
    (activities) => {
      const scope = { clusterName: "a".repeat(54), region: "ap-southeast-2" };
      const documents = policiesFor(activities, scope);
      for (const one of documents) expect(JSON.stringify(one).length).toBeLessThanOrEqual(mostCharacters);
      const actions = new Set(statementsOf(documents).flatMap(({ Action }) => Action));
      for (const activity of activities.length === 0 ? cloudActivities : activities) {
        for (const { action } of rightsFor(activity, scope)) expect(actions).toContain(action);
      }
    },
  );

  test("names the cluster's own things exactly, as far as they are known", () => {
    const exact = statementsOf(policiesFor([], prod));
    const text = JSON.stringify(exact);
    const { role, bucket } = namesOf(prod);
    expect(exact.find(({ Action }) => Action.includes("iam:CreateRole"))?.Resource).toEqual(
      rolePurposes.map((one) => `arn:aws:iam::123456789012:role/${role(one)}`),
    );
    expect(exact.find(({ Action }) => Action.includes("s3:DeleteBucket"))?.Resource).toBe(`arn:aws:s3:::${bucket}`);
    expect(text).not.toContain("prod-*");
    expect(text).not.toContain("?");
    const ofAnyRegion = JSON.stringify(policiesFor([], { clusterName: "prod" }));
    expect(ofAnyRegion).toContain("arn:aws:iam::*:role/prod-nodes-??????");
    expect(ofAnyRegion).toContain("arn:aws:s3:::prod-????????");
    expect(JSON.stringify(policiesFor([], {}))).toContain("arn:aws:iam::*:role/*-nodes-??????");
  });

  test("knows the repository of a cluster whose name ECR does not take", () => {
    const policies = policiesFor(["up"], { ...prod, clusterName: "a--b" });
    const resource = `arn:aws:ecr:eu-west-1:123456789012:repository/${namesOf({ ...prod, clusterName: "a--b" }).repository}`;
    expect(resource).toContain("/a-b-");
    expect(isAllowed(policies, { action: "ecr:CreateRepository", resource, context: {} })).toBe(true);
  });

  const vpc = { resource: "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1" };
  const here = { "aws:RequestedRegion": "eu-west-1" };
  const role = (purpose: string) => `arn:aws:iam::123456789012:role/${namesOf(prod).role(purpose)}`;
  const ofAws = (name: string) => ({ "iam:PolicyARN": `arn:aws:iam::aws:policy/${name}` });
  const tagged = (name: string) => ({ ...here, "aws:ResourceTag/cortex.dev/cluster-name": name });
  const kubernetesTag = "aws:ResourceTag/kubernetes.io/cluster/prod";

  test.each<[string, Asked, boolean]>([
    ["its own VPC", { action: "ec2:DeleteVpc", ...vpc, context: tagged("prod") }, true],
    ["another one's VPC", { action: "ec2:DeleteVpc", ...vpc, context: tagged("other") }, false],
    ["a VPC of nobody", { action: "ec2:DeleteVpc", ...vpc, context: here }, false],
    ["another region", { action: "ec2:DescribeVpcs", resource: "*", context: { "aws:RequestedRegion": "x" } }, false],
    ["what it does not mark", { action: "ec2:CreateVpc", ...vpc, context: here }, false],
    ["to mark what others have", { action: "ec2:CreateTags", ...vpc, context: here }, false],
    [
      "a disk of its own",
      { action: "ec2:DeleteVolume", resource: "*", context: { ...here, [kubernetesTag]: "owned" } },
      true,
    ],
    ["another disk", { action: "ec2:DeleteVolume", resource: "*", context: here }, false],
    [
      "rights it gives nodes",
      { action: "iam:AttachRolePolicy", resource: role("nodes"), context: ofAws("AmazonEKSWorkerNodePolicy") },
      true,
    ],
    [
      "all rights",
      { action: "iam:AttachRolePolicy", resource: role("nodes"), context: ofAws("AdministratorAccess") },
      false,
    ],
    [
      "to pass a role on",
      { action: "iam:PassRole", resource: role("nodes"), context: { "iam:PassedToService": "ec2.amazonaws.com" } },
      true,
    ],
    [
      "to pass it to others",
      { action: "iam:PassRole", resource: role("nodes"), context: { "iam:PassedToService": "lambda.amazonaws.com" } },
      false,
    ],
    [
      "a role called alike",
      { action: "iam:DeleteRole", resource: "arn:aws:iam::123456789012:role/prod-admin", context: {} },
      false,
    ],
    [
      "a group of that name elsewhere",
      {
        action: "eks:DeleteNodegroup",
        resource: "arn:aws:eks:eu-west-1:123456789012:nodegroup/other/prod/1",
        context: {},
      },
      false,
    ],
    [
      "logs of others",
      {
        action: "logs:GetLogEvents",
        resource: "arn:aws:logs:eu-west-1:123456789012:log-group:/cortex/prod2:log-stream:x",
        context: {},
      },
      false,
    ],
  ])("of one cluster, %s", (_, asked, expected) => {
    expect(isAllowed(policiesFor([], prod), asked)).toBe(expected);
  });

  test("of a cluster with a boundary makes and fills no role without it", () => {
    const boundaryArn = "arn:aws:iam::123456789012:policy/boundary";
    const policyArns = ["arn:aws:iam::aws:policy/AmazonBedrockFullAccess"];
    const policies = policiesFor([], { ...prod, boundaryArn, policyArns });
    const bounded = { "iam:PermissionsBoundary": boundaryArn };
    for (const [action, context] of [
      ["iam:CreateRole", {}],
      ["iam:AttachRolePolicy", ofAws("AmazonBedrockFullAccess")],
    ] as const) {
      const asked = { action, resource: role("nodes") };
      expect(isAllowed(policies, { ...asked, context: { ...context, ...bounded } })).toBe(true);
      expect(isAllowed(policies, { ...asked, context })).toBe(false);
    }
    expect(JSON.stringify(policies)).not.toContain("DeleteRolePermissionsBoundary");
    expect(JSON.stringify(policies)).not.toContain("AmazonS3FullAccess");
  });

  test("Sids are what AWS takes", () => {
    for (const { Sid } of statementsOf(policiesFor([], {}))) expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
  });
});
