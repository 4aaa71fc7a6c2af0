import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import type { CloudRight } from "../../core/cloud-rights.ts";
import { CortexError } from "../../core/errors.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts } from "../facts.ts";
import { clusterTag } from "../resources/context.ts";
import { type Finding, type Findings, findingsOf, join, nothingFound, throwFindings } from "./findings.ts";
import { checkQuotas } from "./quotas.ts";
import { checkRights } from "./rights.ts";

export interface PreflightQuestion {
  readonly aws: Aws;
  readonly cluster: Cluster;
  /** Undefined when they could not be had; then `factsFailure` says why. */
  readonly facts?: Facts;
  /** What `readFacts` threw: its reasons are told together with those found here. */
  readonly factsFailure?: unknown;
  /** As `src/aws/policies.ts` tells them. */
  readonly needs: readonly CloudRight[];
  /** Ids of the resources that are going to be made; empty without facts. */
  readonly creates: readonly string[];
}

/**
 * Looks whether a plan can be carried out, before anything of it is: rights, quotas, names. Changes nothing.
 * @returns what the user should know all the same
 * @throws CortexError with all reasons at once why it cannot be
 */
export async function preflight(question: PreflightQuestion, signal: AbortSignal): Promise<readonly string[]> {
  const { aws, cluster, facts, factsFailure, needs, creates } = question;
  const earlier = factsFailure === undefined ? [] : findingsOf(factsFailure);
  if (!earlier) throw factsFailure;
  const [rights, ...others] = await Promise.all([
    checkRights(aws, needs, signal),
    facts ? checkQuotas(aws, { cluster, facts, creates }, signal) : nothingFound,
    creates.includes("control-plane") || !facts ? checkName(aws, cluster.cluster_name, signal) : nothingFound,
  ]);
  // A right that was missed before is one of all that are missing.
  const isToldAnyway = ({ code }: Finding) => code === "NOT_AUTHORISED" && rights.findings.length > 0;
  const { findings, warnings } = join([rights, ...others]);
  const all = [...earlier.filter((one) => !isToldAnyway(one)), ...findings];
  throwFindings(all, `${cluster.cluster_name} in ${aws.region}`);
  return warnings;
}

/** The name of a control plane is the user's choice, and others in the account may have chosen it, too. */
async function checkName(aws: Aws, name: string, signal: AbortSignal): Promise<Findings> {
  try {
    const { cluster } = await (await aws.eks()).describeCluster({ name }, signal);
    if (cluster?.tags?.[clusterTag] === name) return nothingFound;
    const message = `there is an EKS cluster ${name} in ${aws.region} already, which Cortex did not make`;
    const hint = "choose another cluster_name";
    return { findings: [{ code: "CONFLICT", message, hint }], warnings: [] };
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFoundException") return nothingFound;
    // Told with all other rights that are missing.
    if (error instanceof CortexError && error.code === "NOT_AUTHORISED") return nothingFound;
    throw error;
  }
}
