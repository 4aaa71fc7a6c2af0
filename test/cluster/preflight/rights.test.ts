import { expect, test } from "vitest";
import { anyInRegion, findingsFor, onAllResources, questionsOf } from "../../../src/cluster/preflight/rights.ts";
import type { CloudRight } from "../../../src/core/cloud-rights.ts";

const identity = { accountId: "123456789012", arn: "arn:aws:iam::123456789012:user/ada", partition: "aws" };
const role = "arn:aws:iam::123456789012:role/cortex-*";
const needs: readonly CloudRight[] = [
  { action: "ec2:CreateVpc", resources: ["*"] },
  { action: "ec2:CreateSubnet", resources: ["*"] },
  { action: "iam:CreateRole", resources: [role] },
  {
    action: "iam:PassRole",
    resources: [role],
    context: { "iam:PassedToService": ["eks.amazonaws.com", "ec2.amazonaws.com"] },
  },
  {
    action: "eks:CreateNodegroup",
    resources: [
      "arn:aws:eks:us-east-1:123456789012:cluster/cortex",
      "arn:aws:eks:us-east-1:123456789012:addon/cortex/*",
    ],
  },
];

test("rights on the same resource are asked for at once, and patterns by an example", () => {
  expect(questionsOf(needs)).toEqual([
    { actions: ["ec2:CreateVpc", "ec2:CreateSubnet"], resource: "*", context: {} },
    { actions: ["iam:CreateRole"], resource: "arn:aws:iam::123456789012:role/cortex-x", context: {} },
    {
      actions: ["iam:PassRole"],
      resource: "arn:aws:iam::123456789012:role/cortex-x",
      context: { "iam:PassedToService": "eks.amazonaws.com" },
    },
    { actions: ["eks:CreateNodegroup"], resource: "arn:aws:eks:us-east-1:123456789012:cluster/cortex", context: {} },
    { actions: ["eks:CreateNodegroup"], resource: "arn:aws:eks:us-east-1:123456789012:addon/cortex/x", context: {} },
  ]);
});

test("no more are asked for at once than IAM takes", () => {
  const many = Array.from({ length: 250 }, (_, index) => ({ action: `ec2:Call${index}`, resources: ["*"] }));
  expect(questionsOf(many).map(({ actions }) => actions.length)).toEqual([100, 100, 50]);
});

test("a right that one of its resources grants is there", () => {
  const denied = { action: "eks:CreateNodegroup", resource: "one" };
  expect(onAllResources(needs, [denied])).toEqual([]);
  const both = [denied, { ...denied, resource: "other" }];
  expect(onAllResources(needs, both)).toEqual(both);
  const marked = { action: "ec2:CreateVpc", resources: ["*"], context: { "aws:RequestTag/x": ["y"] } };
  expect(onAllResources([...needs, marked], [{ action: "ec2:CreateVpc", resource: "*" }])).toEqual([]);
});

test("what is denied of everything is asked again of all in the region, but for what a policy denies", () => {
  const denied = [
    { action: "ec2:CreateVpc", resource: "*" },
    { action: "ec2:CreateSubnet", resource: "*", by: "a policy" },
    { action: "iam:CreateRole", resource: role },
  ];
  expect(anyInRegion(denied, identity, "eu-west-1")).toEqual([
    { action: "ec2:CreateVpc", resources: ["arn:aws:ec2:eu-west-1:123456789012:any/any"] },
  ]);
});

test("all missing rights are named in one line, with what denies them", () => {
  const on = { resource: "*" };
  const { findings } = findingsFor(identity, [
    { ...on, action: "ec2:CreateVpc" },
    { ...on, action: "ec2:CreateSubnet" },
    { ...on, action: "eks:CreateCluster", by: "a permissions boundary" },
  ]);
  expect(findings).toEqual([
    {
      code: "NOT_AUTHORISED",
      message:
        "arn:aws:iam::123456789012:user/ada may not ec2:CreateSubnet, ec2:CreateVpc; eks:CreateCluster (denied by a permissions boundary)",
      hint: expect.stringContaining("cortex cluster iam-policy up"),
    },
  ]);
  expect(findingsFor(identity, []).findings).toEqual([]);
});
