import type { Aws } from "../../aws/aws.ts";
import type { CloudRight } from "../../core/cloud-rights.ts";
import type { Problem } from "../../core/errors.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts } from "../facts.ts";
import { BucketRefused, takenHint, takenText } from "../resources/bucket.ts";
import { checkAddons } from "./addon-offers.ts";
import { checkCertificate } from "./certificate.ts";
import { type Finding, type Findings, findingsOf, join, nothingFound, throwFindings } from "./findings.ts";
import { checkPolicies } from "./policies.ts";
import { checkQuotas } from "./quotas.ts";
import { checkRights } from "./rights.ts";

export interface PreflightQuestion {
  readonly aws: Aws;
  readonly cluster: Cluster;
  /** Undefined when they could not be had; then `factsFailure` says why. */
  readonly facts?: Facts;
  /** What `readFacts` threw: its reasons are told together with those found here. */
  readonly factsFailure?: unknown;
  /** What is known to stand against it already. */
  readonly known?: readonly Problem[];
  /** As `src/cluster/policies.ts` tells them. */
  readonly needs: readonly CloudRight[];
  /** Ids of the resources that are going to be made; empty without facts. */
  readonly creates: readonly string[];
  /** Whether the load balancer is made, or changed. */
  readonly changesLoadBalancer: boolean;
}

/**
 * Looks whether a plan can be carried out, before anything of it is: rights, quotas. Changes nothing.
 * @returns what the user should know all the same
 * @throws CortexError with all reasons at once why it cannot be
 */
export async function preflight(question: PreflightQuestion, signal: AbortSignal): Promise<readonly string[]> {
  const { aws, cluster, facts, known = [], factsFailure, needs, creates, changesLoadBalancer } = question;
  const earlier = factsFailure === undefined ? [] : findingsOf(factsFailure);
  if (!earlier) throw factsFailure;
  const [rights, ...others] = await Promise.all([
    checkRights(aws, needs, signal),
    checkPolicies(aws, cluster, signal),
    checkCertificate(aws, { cluster, isTaken: changesLoadBalancer }, signal),
    facts ? checkQuotas(aws, { cluster, facts, creates }, signal) : nothingFound,
    facts ? checkAddons(aws, { version: facts.kubernetesVersion, creates }, signal) : nothingFound,
  ]);
  // A right that was missed before is one of all that are missing.
  const isToldAnyway = ({ code }: Finding) => code === "NOT_AUTHORISED" && rights.findings.length > 0;
  const { findings, warnings } = join([rights, ...others]);
  const told = mayAll(rights) && factsFailure instanceof BucketRefused ? [takenBucket(factsFailure)] : earlier;
  const settled = known.map((problem) => ({ code: "NOT_SUPPORTED" as const, ...problem }));
  const all = [...settled, ...told.filter((one) => !isToldAnyway(one)), ...findings];
  throwFindings(all, `${cluster.cluster_name} in ${aws.region}`);
  return warnings;
}

function mayAll({ findings, warnings }: Findings): boolean {
  return findings.length === 0 && warnings.length === 0;
}

function takenBucket({ bucket }: BucketRefused): Finding {
  return { code: "CONFLICT", message: takenText(bucket), hint: takenHint };
}
