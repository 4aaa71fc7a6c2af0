import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { actionOf, type ServiceName } from "../../src/aws/endpoints.ts";
import { policyFor, rightsFor } from "../../src/aws/policies.ts";
import { actionsOfCalls } from "../../src/aws/rights-of-calls.ts";
import type { Operations } from "../../src/aws/service.ts";
import { autoScalingOperations } from "../../src/aws/services/auto-scaling.ts";
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
import { cloudActivities } from "../../src/core/cloud-rights.ts";

const services: Readonly<Record<ServiceName, Operations>> = {
  autoScaling: autoScalingOperations,
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

  test.each([[[]], ...cloudActivities.map((one) => [[one]])])("%j: fits into one policy of AWS", (activities) => {
    const text = JSON.stringify(policyFor(activities, { clusterName: "a".repeat(54), region: "ap-southeast-2" }));
    expect(text.length).toBeLessThanOrEqual(mostCharacters);
  });

  test("names the cluster's own things where AWS lets it", () => {
    const policy = policyFor(["up"], { clusterName: "cortex", region: "eu-west-1", accountId: "123456789012" });
    const resourcesOf = (action: string) => policy.Statement.find(({ Action }) => Action.includes(action))?.Resource;
    expect(resourcesOf("iam:CreateRole")).toBe("arn:aws:iam::123456789012:role/cortex-*");
    expect(resourcesOf("s3:CreateBucket")).toBe("arn:aws:s3:::cortex-*");
    expect(resourcesOf("s3:PutObject")).toBe("arn:aws:s3:::cortex-*/*");
    expect(resourcesOf("eks:CreateNodegroup")).toEqual([
      "arn:aws:eks:eu-west-1:123456789012:*/cortex",
      "arn:aws:eks:eu-west-1:123456789012:*/cortex/*",
    ]);
    expect(resourcesOf("ec2:DescribeVpcs")).toBe("*");
    const passing = policy.Statement.find(({ Action }) => Action.includes("iam:PassRole"));
    expect(passing?.Condition?.StringEquals["iam:PassedToService"]).toContain("eks.amazonaws.com");
  });

  test("of several commands has what each of them needs, each right once", () => {
    const actions = policyFor(["up", "down"], {}).Statement.flatMap(({ Action }) => Action);
    expect(new Set(actions).size).toBe(actions.length);
    for (const { action } of [...rightsFor("up", {}), ...rightsFor("down", {})]) expect(actions).toContain(action);
  });

  test("Sids are what AWS takes", () => {
    for (const { Sid } of policyFor([], {}).Statement) expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
  });
});
