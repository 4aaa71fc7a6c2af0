import type { CloudRight, RightsScope } from "../core/cloud-rights.ts";
import { defaultIamPolicies } from "../spec/default-iam-policies.ts";
import { clusterTag } from "./resources/context.ts";
import { namePatternsOf } from "./resources/names.ts";
import { policiesByPurpose, policyOfAws, purposesWithOwnPolicy, rolePurposes } from "./resources/role-purposes.ts";

/** On what an action is allowed, and under which conditions. */
type Grant = Omit<CloudRight, "action">;
type Context = NonNullable<Grant["context"]>;

/** Of EC2: what they make is marked in the same request. Those that make it within something of ours are about that, too. */
const creates = [
  "AllocateAddress",
  "CreateInternetGateway",
  "CreateLaunchTemplate",
  "CreateNatGateway",
  "CreateRouteTable",
  "CreateSubnet",
  "CreateVpc",
  "CreateVpcEndpoint",
];
const createsWithin = ["CreateNatGateway", "CreateRouteTable", "CreateSubnet", "CreateVpcEndpoint"];
/** Rules of other people's groups name groups of the cluster, and nodes are started by EKS in ways that it alone knows. */
const ofAny = ["RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RunInstances"];
const passedTo = ["eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com"];
/** That make a role of their own at their first use in an account. */
const serviceRoles = [
  "eks.amazonaws.com",
  "eks-nodegroup.amazonaws.com",
  "autoscaling.amazonaws.com",
  "elasticloadbalancing.amazonaws.com",
  "spot.amazonaws.com",
];

/** @returns no more than `action` needs for the clusters that `scope` means; of several, each is for some of a request's resources. Pure. */
export function grantsOf(action: string, scope: RightsScope): readonly Grant[] {
  const [service, verb = ""] = action.split(":");
  switch (service) {
    case "s3":
      if (verb === "ListAllMyBuckets") return [{ resources: ["*"] }];
      return [{ resources: s3Resources(verb, scope) }];
    case "iam":
      return iamGrants(verb, scope);
    case "acm":
      return certificateGrants(scope);
    case "ec2":
      return ec2Grants(verb, scope);
    case "elasticloadbalancing":
    case "autoscaling":
      return isRead(verb)
        ? anyInRegion(scope)
        : marked(scope, verb === "CreateOrUpdateTags" ? ["owned"] : madeByKubernetes);
    case "eks":
      return isRead(verb) ? anyInRegion(scope) : [{ resources: eksResources(scope) }];
    case "ecr":
      if (isRead(verb)) return anyInRegion(scope);
      return [{ resources: [arn(scope, "ecr", `repository/${namePatternsOf(scope).repository}`)] }];
    case "logs":
      return logsGrants(verb, scope);
    case "servicequotas":
      return anyInRegion(scope);
    default:
      return [{ resources: ["*"] }];
  }
}

/** What others may be told of; what is in logs, images, buckets and policies is not among it. */
function isRead(verb: string): boolean {
  return /^(Describe|List|Get)/.test(verb) && verb !== "GetDownloadUrlForLayer";
}

function anyInRegion({ region }: RightsScope, context: Context = {}): readonly Grant[] {
  const all = { ...context, ...(region !== undefined && { "aws:RequestedRegion": [region] }) };
  return [{ resources: ["*"], ...(Object.keys(all).length > 0 && { context: all }) }];
}

const tagKeys = {
  ours: () => clusterTag,
  /** By the name in the key. */
  owned: (name: string) => `kubernetes.io/cluster/${name}`,
  controllers: () => "elbv2.k8s.aws/cluster",
  disks: () => "ebs.csi.aws.com/cluster",
  interfaces: () => "cluster.k8s.amazonaws.com/name",
} as const;
const madeByKubernetes = ["owned", "controllers"] as const;

/** @returns what bears a tag of the cluster; of which cluster, a key that has the name in it cannot leave open, and then it is anything */
function marked(scope: RightsScope, by: readonly (keyof typeof tagKeys)[]): readonly Grant[] {
  const { clusterName } = scope;
  if (clusterName === undefined && by.includes("owned")) return anyInRegion(scope);
  const name = clusterName ?? "*";
  const values: Readonly<Record<string, string>> = { owned: "owned", disks: "true" };
  return by.flatMap((key) => anyInRegion(scope, { [`aws:ResourceTag/${tagKeys[key](name)}`]: [values[key] ?? name] }));
}

function ec2Grants(verb: string, scope: RightsScope): readonly Grant[] {
  // Which regions there are a region tells that the cluster is not in.
  if (verb === "DescribeRegions") return [{ resources: ["*"] }];
  if (isRead(verb) || ofAny.includes(verb)) return anyInRegion(scope);
  const asked = anyInRegion(scope, { [`aws:RequestTag/${clusterTag}`]: [scope.clusterName ?? "*"] });
  if (createsWithin.includes(verb)) return [...asked, ...marked(scope, ["ours"])];
  if (creates.includes(verb)) return asked;
  switch (verb) {
    case "CreateTags": {
      const making = anyInRegion(scope, { "ec2:CreateAction": [...creates, "RunInstances"] });
      // Of nodes, their disks and interfaces, too: whoever made those.
      return [...making, ...marked(scope, ["ours", "interfaces", scope.clusterName === undefined ? "disks" : "owned"])];
    }
    case "DeleteSecurityGroup":
      return marked(scope, madeByKubernetes);
    case "DeleteVolume":
      return marked(scope, ["owned"]);
    case "DeleteNetworkInterface":
      return marked(scope, ["ours", "interfaces"]);
    default:
      return marked(scope, ["ours"]);
  }
}

function iamGrants(verb: string, scope: RightsScope): readonly Grant[] {
  const { accountId = "*", boundaryArn, policyArns = defaultIamPolicies } = scope;
  const partition = partitionOf(scope);
  const roles = rolesOf(scope, rolePurposes);
  const within: Context = boundaryArn === undefined ? {} : { "iam:PermissionsBoundary": [boundaryArn] };
  const bounded = { ...(boundaryArn !== undefined && { context: within }) };
  const ofAws = Object.values(policiesByPurpose).flatMap((names) => names.map((name) => policyOfAws(partition, name)));
  switch (verb) {
    case "GetRole":
    case "GetPolicy":
    case "SimulatePrincipalPolicy":
      return [{ resources: ["*"] }];
    case "CreateRole":
    case "PutRolePermissionsBoundary":
      return [{ resources: roles, ...bounded }];
    case "DeleteRolePermissionsBoundary":
      return boundaryArn === undefined ? [{ resources: roles }] : [];
    case "PutRolePolicy":
      return [{ resources: rolesOf(scope, purposesWithOwnPolicy), ...bounded }];
    case "AttachRolePolicy":
      return [{ resources: roles, context: { "iam:PolicyARN": [...new Set([...ofAws, ...policyArns])], ...within } }];
    case "PassRole":
      return [{ resources: roles, context: { "iam:PassedToService": passedTo } }];
    case "CreateServiceLinkedRole": {
      const resources = [`arn:${partition}:iam::${accountId}:role/aws-service-role/*`];
      return [{ resources, context: { "iam:AWSServiceName": serviceRoles } }];
    }
    default:
      return [{ resources: roles }];
  }
}

function rolesOf(scope: RightsScope, purposes: typeof rolePurposes): readonly string[] {
  const names = namePatternsOf(scope);
  return purposes.map((one) => `arn:${partitionOf(scope)}:iam::${scope.accountId ?? "*"}:role/${names.role(one)}`);
}

function s3Resources(verb: string, scope: RightsScope): readonly string[] {
  const bucket = `arn:${partitionOf(scope)}:s3:::${namePatternsOf(scope).bucket}`;
  return /Object$/.test(verb) ? [`${bucket}/*`] : [bucket];
}

function eksResources(scope: RightsScope): readonly string[] {
  const name = scope.clusterName ?? "*";
  const within = ["nodegroup", "addon", "podidentityassociation"].map((kind) => `${kind}/${name}/*`);
  return [`cluster/${name}`, ...within].map((rest) => arn(scope, "eks", rest));
}

function certificateGrants(scope: RightsScope): readonly Grant[] {
  const { certificateArn = arn(scope, "acm", "certificate/*") } = scope;
  return certificateArn === null ? [] : [{ resources: [certificateArn] }];
}

function logsGrants(verb: string, scope: RightsScope): readonly Grant[] {
  const { logGroups, insightsPrefix } = namePatternsOf(scope);
  // IAM reads some calls as about a group, others as about all that is in it.
  const of = (names: readonly string[]) => names.flatMap((name) => [name, `${name}:*`]);
  const on = (names: readonly string[]) => [
    { resources: names.map((name) => arn(scope, "logs", `log-group:${name}`)) },
  ];
  if (verb === "GetLogEvents" || verb === "DescribeLogStreams") return on(of([logGroups.containers]));
  if (isRead(verb)) return anyInRegion(scope);
  const ours = of(Object.values(logGroups));
  return on(verb === "DeleteLogGroup" ? [...ours, `${insightsPrefix}*`] : ours);
}

function arn(scope: RightsScope, service: string, rest: string): string {
  return `arn:${partitionOf(scope)}:${service}:${scope.region ?? "*"}:${scope.accountId ?? "*"}:${rest}`;
}

function partitionOf({ partition, region = "" }: RightsScope): string {
  if (partition !== undefined) return partition;
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}
