/** A policy of IAM, as it is written in JSON. */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly PolicyStatement[];
}

interface PolicyStatement {
  readonly Effect: "Allow";
  readonly Principal?: { readonly Service: string };
  readonly Action: readonly string[];
  readonly Resource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Where a cluster is, as ARNs say it. */
export interface ArnParts {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
  readonly clusterName: string;
}

/** Who takes on a role: the control plane, an instance, or a pod by its service account. */
export type RoleUser = "eks" | "ec2" | "pods";

export function trustOf(user: RoleUser): PolicyDocument {
  const service = user === "pods" ? "pods.eks.amazonaws.com" : `${user}.amazonaws.com`;
  const actions = user === "pods" ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"];
  return policy([{ Effect: "Allow", Principal: { Service: service }, Action: actions }]);
}

/** Looks at everything, changes the size of this cluster's groups only. */
export function clusterAutoscalerPolicy({ partition, region, accountId, clusterName }: ArnParts): PolicyDocument {
  const looks = [
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeTags",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:GetInstanceTypesFromInstanceRequirements",
  ];
  const nodeGroups = `arn:${partition}:eks:${region}:${accountId}:nodegroup/${clusterName}/*/*`;
  return policy([
    { Effect: "Allow", Action: looks, Resource: ["*"] },
    { Effect: "Allow", Action: ["eks:DescribeNodegroup"], Resource: [nodeGroups] },
    {
      Effect: "Allow",
      Action: ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
      Resource: ["*"],
      Condition: { StringEquals: { [`aws:ResourceTag/k8s.io/cluster-autoscaler/${clusterName}`]: "owned" } },
    },
  ]);
}

/** Writes what containers print to one log group, which is there already. @param logGroup its name */
export function logWriterPolicy({ partition, region, accountId }: ArnParts, logGroup: string): PolicyDocument {
  const actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"];
  const resource = `arn:${partition}:logs:${region}:${accountId}:log-group:${logGroup}`;
  return policy([{ Effect: "Allow", Action: actions, Resource: [resource, `${resource}:*`] }]);
}

function policy(statements: readonly PolicyStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}

/**
 * IAM gives a policy back encoded as in a URL, and may write a list of one as the one.
 * @returns text that is the same for policies that say the same
 */
export function canonicalPolicy(policyText: string): string {
  const text = policyText.startsWith("%7B") ? decodeURIComponent(policyText) : policyText;
  return JSON.stringify(canonical(JSON.parse(text)));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const all = value.map(canonical);
    return all.length === 1 ? all[0] : all.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]));
}
