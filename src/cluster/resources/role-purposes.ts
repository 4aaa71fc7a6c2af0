/**
 * What roles of a cluster are for, with the policies of AWS's own that each is given. Names follow from it, so roles are found without
 * looking at those of others.
 */
export const policiesByPurpose = {
  "control-plane": ["AmazonEKSClusterPolicy"],
  nodes: ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"],
  "vpc-cni": ["AmazonEKS_CNI_Policy"],
  "ebs-csi": ["service-role/AmazonEBSCSIDriverPolicy"],
  "cluster-autoscaler": [],
  "fluent-bit": [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type RolePurpose = keyof typeof policiesByPurpose;

export const rolePurposes = Object.keys(policiesByPurpose) as readonly RolePurpose[];

/** Of those whose rights no policy of AWS's holds: they have one of their own. */
export const purposesWithOwnPolicy: readonly RolePurpose[] = ["cluster-autoscaler", "fluent-bit"];

/** @returns the ARN of a policy that AWS looks after */
export function policyOfAws(partition: string, name: string): string {
  return `arn:${partition}:iam::aws:policy/${name}`;
}
