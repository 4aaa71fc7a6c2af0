import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import { type Finding, type Findings, join, nothingFound } from "./findings.ts";

/** Looks whether the policies that the file names exist: roles are made before they are attached. */
export async function checkPolicies(aws: Aws, cluster: Cluster, signal: AbortSignal): Promise<Findings> {
  const { iam_policy_arns: arns, iam_permissions_boundary_arn: boundary } = cluster;
  const named = [
    ...arns.map((arn) => ({ field: "iam_policy_arns", arn })),
    ...(boundary === null ? [] : [{ field: "iam_permissions_boundary_arn", arn: boundary }]),
  ];
  return join(await Promise.all(named.map((one) => checkPolicy(aws, one, signal))));
}

interface NamedPolicy {
  readonly field: string;
  readonly arn: string;
}

async function checkPolicy(aws: Aws, { field, arn }: NamedPolicy, signal: AbortSignal): Promise<Findings> {
  try {
    await (await aws.iam()).getPolicy({ PolicyArn: arn }, signal);
    return nothingFound;
  } catch (error) {
    if (/^NoSuchEntity/.test(awsErrorName(error) ?? "")) {
      const hint = "`aws iam list-policies` lists those there are";
      const finding: Finding = { code: "SPEC_INVALID", message: `${field}: there is no policy ${arn}`, hint };
      return { findings: [finding], warnings: [] };
    }
    // Told with all other rights that are missing.
    if (error instanceof CortexError && error.code === "NOT_AUTHORISED") return nothingFound;
    throw error;
  }
}
