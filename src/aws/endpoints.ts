type Variables = Readonly<Record<string, string | undefined>>;

/** Services as the variables of the SDK call them. */
const namesInVariables = {
  autoScaling: "AUTO_SCALING",
  certificates: "ACM",
  classicLoadBalancers: "ELASTIC_LOAD_BALANCING",
  ec2: "EC2",
  ecr: "ECR",
  eks: "EKS",
  iam: "IAM",
  loadBalancers: "ELASTIC_LOAD_BALANCING_V2",
  logs: "CLOUDWATCH_LOGS",
  pricing: "PRICING",
  quotas: "SERVICE_QUOTAS",
  s3: "S3",
  sts: "STS",
} as const;

export type ServiceName = keyof typeof namesInVariables;

/** @returns where the variables say that a service is reached; undefined: where AWS has it */
export function endpointOf(service: ServiceName, variables: Variables): string | undefined {
  if (variables.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === "true") return undefined;
  return variables[`AWS_ENDPOINT_URL_${namesInVariables[service]}`] || variables.AWS_ENDPOINT_URL || undefined;
}

/** Prices are told in few regions only. */
export function regionOf(service: ServiceName, region: string): string {
  if (service !== "pricing") return region;
  return region.startsWith("cn-") ? "cn-northwest-1" : "us-east-1";
}

/** What rights of a service begin with. */
const actionPrefixes: Readonly<Record<ServiceName, string>> = {
  autoScaling: "autoscaling",
  certificates: "acm",
  classicLoadBalancers: "elasticloadbalancing",
  ec2: "ec2",
  ecr: "ecr",
  eks: "eks",
  iam: "iam",
  loadBalancers: "elasticloadbalancing",
  logs: "logs",
  pricing: "pricing",
  quotas: "servicequotas",
  s3: "s3",
  sts: "sts",
};

/** Rights that are not named as their call is. */
const actionsByCall: Readonly<Record<string, string>> = {
  "s3:ListBuckets": "s3:ListAllMyBuckets",
  "s3:HeadBucket": "s3:ListBucket",
  "s3:ListObjectsV2": "s3:ListBucket",
  "s3:DeleteObjects": "s3:DeleteObject",
  "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
  "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
};

/** @returns IAM's name of the right that a call takes */
export function actionOf(service: ServiceName, call: string): string {
  const action = `${actionPrefixes[service]}:${call.charAt(0).toUpperCase()}${call.slice(1)}`;
  return actionsByCall[action] ?? action;
}
