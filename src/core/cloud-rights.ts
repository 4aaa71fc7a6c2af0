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

/** One right of IAM. */
export interface CloudRight {
  /** `ec2:CreateVpc`. */
  readonly action: string;
  /** ARNs, with `*` for any text. */
  readonly resources: readonly string[];
  /** What a request of it carries, by key of the condition that the policy sets on it. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

/** What a policy is for; what is absent is any. */
export interface RightsScope {
  readonly clusterName?: string;
  readonly region?: string;
  readonly accountId?: string;
  /** Default: `aws`; `aws-cn` and `aws-us-gov` by the region. */
  readonly partition?: string;
}

/** As IAM wants it. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: "Allow";
    readonly Action: readonly string[];
    readonly Resource: readonly string[] | string;
    readonly Condition?: { readonly StringEquals: Readonly<Record<string, readonly string[]>> };
  }[];
}

/** The least rights for each command. */
export interface CloudPolicies {
  /** For several at once, or without any for all of them. */
  policyFor(activities: readonly CloudActivity[], scope: RightsScope): PolicyDocument;
}
