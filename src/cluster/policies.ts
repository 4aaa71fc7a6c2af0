import { actionsOfCalls } from "../aws/rights-of-calls.ts";
import {
  type CloudActivity,
  type CloudRight,
  cloudActivities,
  type PolicyDocument,
  type RightsScope,
} from "../core/cloud-rights.ts";
import { grantsOf } from "./grants.ts";

/** What AWS asks for beside the call that is made: to mark it, to give a role to a service, to start nodes. */
const implied: readonly { readonly call: string; readonly takes: readonly string[] }[] = [
  { call: "ec2:CreateVpc", takes: ["ec2:CreateTags"] },
  { call: "eks:CreateCluster", takes: ["eks:TagResource", "iam:PassRole", "iam:CreateServiceLinkedRole"] },
  // Nodes are started, and marked, in the name of whoever makes their group, or gives it another launch template.
  {
    call: "eks:CreateNodegroup",
    takes: ["ec2:RunInstances", "ec2:CreateTags", "iam:PassRole", "iam:CreateServiceLinkedRole"],
  },
  { call: "eks:UpdateNodegroupVersion", takes: ["ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"] },
  { call: "eks:CreatePodIdentityAssociation", takes: ["iam:PassRole"] },
  { call: "eks:UpdatePodIdentityAssociation", takes: ["iam:PassRole"] },
  { call: "iam:CreateRole", takes: ["iam:TagRole"] },
  { call: "logs:CreateLogGroup", takes: ["logs:TagResource"] },
  { call: "ecr:CreateRepository", takes: ["ecr:TagResource"] },
];

/** Pushing images, which is no matter of the SDK. That the cluster knows who deploys is its own access entry's matter: see `docs/aws.md`. */
const pushing = [
  "ecr:BatchCheckLayerAvailability",
  "ecr:BatchGetImage",
  "ecr:CompleteLayerUpload",
  "ecr:GetDownloadUrlForLayer",
  "ecr:InitiateLayerUpload",
  "ecr:PutImage",
  "ecr:UploadLayerPart",
] as const;

/** @returns the rights that a command needs, in alphabetical order. Pure. */
export function rightsFor(activity: CloudActivity, scope: RightsScope): readonly CloudRight[] {
  const called = actionsOfCalls(activity);
  const more = implied.filter(({ call }) => called.includes(call)).flatMap(({ takes }) => takes);
  const actions = new Set([...called, ...more, ...(activity === "deploy" ? pushing : [])]);
  return [...actions].sort().flatMap((action) => grantsOf(action, scope).map((grant) => ({ action, ...grant })));
}

/** Of a policy of its own; white space is not counted. */
const mostCharacters = 6_144;

/** @returns policies that have no more than `activities` need together, of all commands when there is none. Pure. */
export function policiesFor(activities: readonly CloudActivity[], scope: RightsScope): readonly PolicyDocument[] {
  const wanted = activities.length === 0 ? cloudActivities : activities;
  const rights = new Map(wanted.flatMap((one) => rightsFor(one, scope)).map((right) => [JSON.stringify(right), right]));
  const sorted = [...rights.values()].sort((one, other) => (one.action < other.action ? -1 : 1));
  const alike = Map.groupBy(sorted, ({ resources, context }) => JSON.stringify([resources, context]));
  const documents: PolicyDocument[] = [];
  let last: PolicyStatement[] = [];
  for (const statement of [...alike.values()].map(statementOf)) {
    const longer = [...last, statement];
    if (last.length > 0 && JSON.stringify(documentOf(longer)).length > mostCharacters) {
      documents.push(documentOf(last));
      last = [statement];
    } else last = longer;
  }
  return [...documents, documentOf(last)];
}

type PolicyStatement = PolicyDocument["Statement"][number];

function documentOf(statements: readonly PolicyStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}

function statementOf(alike: readonly CloudRight[], index: number): PolicyStatement {
  const [{ resources, context }] = alike as [CloudRight];
  return {
    Sid: `Cortex${index + 1}`,
    Effect: "Allow",
    Action: alike.map(({ action }) => action),
    Resource: resources.length === 1 ? resources[0]! : resources,
    ...(context !== undefined && { Condition: conditionOf(context) }),
  };
}

function conditionOf(context: NonNullable<CloudRight["context"]>): NonNullable<PolicyStatement["Condition"]> {
  const byOperator = Map.groupBy(Object.entries(context), ([key, values]) => {
    if (key === "iam:PolicyARN") return "ArnLike";
    return values.some((value) => value.includes("*")) ? "StringLike" : "StringEquals";
  });
  return Object.fromEntries([...byOperator].map(([operator, entries]) => [operator, Object.fromEntries(entries)]));
}
