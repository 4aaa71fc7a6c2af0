import {
  type CloudActivity,
  type CloudRight,
  cloudActivities,
  type PolicyDocument,
  type RightsScope,
} from "../core/cloud-rights.ts";
import { actionsOfCalls } from "./rights-of-calls.ts";

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

/** Services that roles are given to, and services that make a role of their own at their first use in an account. */
const conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "iam:PassRole": {
    "iam:PassedToService": ["eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com"],
  },
  "iam:CreateServiceLinkedRole": {
    "iam:AWSServiceName": [
      "eks.amazonaws.com",
      "eks-nodegroup.amazonaws.com",
      "autoscaling.amazonaws.com",
      "elasticloadbalancing.amazonaws.com",
      "spot.amazonaws.com",
    ],
  },
};

/** @returns the rights that a command needs, in alphabetical order, each once. Pure. */
export function rightsFor(activity: CloudActivity, scope: RightsScope): readonly CloudRight[] {
  const called = actionsOfCalls(activity);
  const more = implied.filter(({ call }) => called.includes(call)).flatMap(({ takes }) => takes);
  const actions = new Set([...called, ...more, ...(activity === "deploy" ? pushing : [])]);
  return [...actions].sort().map((action) => {
    const context = conditions[action];
    return { action, resources: resourcesOf(action, scope), ...(context !== undefined && { context }) };
  });
}

/** @returns the policy that has no more than `activities` need, of all commands when there is none. Pure. */
export function policyFor(activities: readonly CloudActivity[], scope: RightsScope): PolicyDocument {
  const wanted = activities.length === 0 ? cloudActivities : activities;
  const rights = new Map(wanted.flatMap((one) => rightsFor(one, scope)).map((right) => [right.action, right]));
  const sorted = [...rights.values()].sort((one, other) => (one.action < other.action ? -1 : 1));
  const statements = Map.groupBy(sorted, ({ resources, context }) => JSON.stringify([resources, context]));
  return {
    Version: "2012-10-17",
    Statement: [...statements.values()].map((alike, index) => {
      const [{ resources, context }] = alike as [CloudRight];
      return {
        Sid: `Cortex${index + 1}`,
        Effect: "Allow",
        Action: alike.map(({ action }) => action),
        Resource: resources.length === 1 ? resources[0]! : resources,
        ...(context !== undefined && { Condition: { StringEquals: context } }),
      };
    }),
  };
}

/** Names of IAM end with a hash of region and name; this much of the cluster's name is in them. */
const longestInRoles = 40;

function resourcesOf(action: string, scope: RightsScope): readonly string[] {
  const { clusterName: name = "*", region = "*", accountId = "*", partition = partitionOf(scope.region) } = scope;
  const arn = (service: string, rest: string) => `arn:${partition}:${service}:${region}:${accountId}:${rest}`;
  const [service, verb = ""] = action.split(":");
  if (action === "iam:CreateServiceLinkedRole") return [`arn:${partition}:iam::${accountId}:role/aws-service-role/*`];
  if (service === "s3" && verb !== "ListAllMyBuckets") {
    const bucket = `arn:${partition}:s3:::${name}-*`;
    return /Object$/.test(verb) ? [`${bucket}/*`] : [bucket];
  }
  const isAboutAny = /^(Describe|List|Get|Simulate)/.test(verb) && action !== "iam:GetRolePolicy";
  if (isAboutAny) return ["*"];
  if (service === "iam") return [`arn:${partition}:iam::${accountId}:role/${name.slice(0, longestInRoles)}-*`];
  if (service === "ecr") return [arn("ecr", `repository/${name}/*`)];
  if (service === "logs") {
    return [arn("logs", `log-group:/cortex/${name}*`), arn("logs", `log-group:/aws/eks/${name}/cluster*`)];
  }
  if (service === "eks") return [arn("eks", `*/${name}`), arn("eks", `*/${name}/*`)];
  return ["*"];
}

function partitionOf(region = ""): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
