import type { Cluster } from "../spec/parse-cluster.ts";

/** What is done with a cluster on AWS, by what it takes rights for; `deploy` is what those need who only use a cluster. */
export const cloudActivities = [
  "up",
  "configure",
  "diff",
  "upgrade",
  "down",
  "info",
  "list",
  "export",
  "health",
  "logs",
  "deploy",
] as const;

export type CloudActivity = (typeof cloudActivities)[number];

/** One right of IAM. An action has several where a request is about several resources, or about one of several sorts. */
export interface CloudRight {
  /** `ec2:CreateVpc`. */
  readonly action: string;
  /** ARNs, with `*` for any text and `?` for any character. */
  readonly resources: readonly string[];
  /** What a request must carry, one of the values of each key of a condition, with `*` for any text. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

/** What a policy is for; what is absent is any. */
export interface RightsScope {
  readonly clusterName?: string;
  readonly region?: string;
  readonly accountId?: string;
  /** Default: `aws`; `aws-cn` and `aws-us-gov` by the region. */
  readonly partition?: string;
  /** `iam_policy_arns` of the cluster; default: that of cluster.yaml. */
  readonly policyArns?: readonly string[];
  /** ARN of the policy that no role of the cluster goes beyond. */
  readonly boundaryArn?: string;
  /** `ssl_certificate_arn` of the cluster; null: it has none. */
  readonly certificateArn?: string | null;
}

export function rightsScopeOf(cluster: Cluster): RightsScope {
  const {
    cluster_name,
    region,
    iam_policy_arns,
    iam_permissions_boundary_arn: boundaryArn,
    ssl_certificate_arn: certificateArn,
  } = cluster;
  const scope = { clusterName: cluster_name, region, policyArns: iam_policy_arns, certificateArn };
  return { ...scope, ...(boundaryArn && { boundaryArn }) };
}

/** As IAM wants it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: "Allow";
    readonly Action: readonly string[];
    readonly Resource: readonly string[] | string;
    /** Values by operator and key. */
    readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  }[];
}

/** The least rights for each command. */
export interface CloudPolicies {
  /** For several at once, or without any for all of them. Several where one would be longer than AWS takes. */
  policiesFor(activities: readonly CloudActivity[], scope: RightsScope): readonly PolicyDocument[];
}
