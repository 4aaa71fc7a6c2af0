import { awsErrorName } from "../../aws/refusal.ts";
import type { WalkFailure } from "../../core/cloud-cluster.ts";
import type { Wanted } from "../../core/graph/resource.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";

/**
 * Which field of cluster.yaml what failed is about: the one whose value AWS names, else the one that asks for the resource. Pure.
 * @returns the field as messages name it; undefined where the cause lies elsewhere: in rights, in the network, in time
 */
export function fieldOfFailure(
  { id, error }: Pick<WalkFailure, "id" | "error">,
  { cluster, wanted }: { readonly cluster: Cluster; readonly wanted: readonly Wanted[] },
): string | undefined {
  if (error.code === "CLUSTER_UNREACHABLE") return "operator_load_balancer_cidr_white_list";
  const isOfAws = error.code === "AWS_FAILED" && awsErrorName(error) !== undefined;
  const isAbout =
    isOfAws || ["FAILED", "NO_CAPACITY", "CONFLICT", "NOT_SUPPORTED", "SPEC_INVALID"].includes(error.code);
  if (!isAbout) return undefined;
  const told = namedValues(cluster).find(({ value }) => error.message.includes(value));
  return told?.field ?? wanted.find((one) => one.id === id)?.field;
}

/** Values that are somebody's name, so that whoever names one means the field. */
function namedValues(cluster: Cluster): readonly { readonly field: string; readonly value: string }[] {
  const {
    subnets,
    iam_policy_arns,
    iam_permissions_boundary_arn: boundary,
    ssl_certificate_arn: certificate,
  } = cluster;
  return [
    ...(subnets ?? []).map(({ subnet_id: value }) => ({ field: "subnets", value })),
    ...(certificate === null ? [] : [{ field: "ssl_certificate_arn", value: certificate }]),
    ...(boundary === null ? [] : [{ field: "iam_permissions_boundary_arn", value: boundary }]),
    ...iam_policy_arns.map((value) => ({ field: "iam_policy_arns", value })),
  ];
}
