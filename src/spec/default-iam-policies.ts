/** What instances of a cluster may do in AWS where cluster.yaml does not say it. */
export const defaultIamPolicies: readonly string[] = ["arn:aws:iam::aws:policy/AmazonS3FullAccess"];
