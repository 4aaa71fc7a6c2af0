import type { CertificateDetail } from "@aws-sdk/client-acm";
import type { Aws, AwsIdentity } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import { type Finding, type Findings, nothingFound } from "./findings.ts";

export interface CertificateQuestion {
  readonly cluster: Pick<Cluster, "ssl_certificate_arn">;
  /** False: the load balancer is not touched, and keeps the one that it has whatever that is worth. */
  readonly isTaken: boolean;
}

/** Looks whether a load balancer can take the certificate that the file names: it says so only when all else is made. */
export async function checkCertificate(
  aws: Aws,
  { cluster: { ssl_certificate_arn: arn }, isTaken }: CertificateQuestion,
  signal: AbortSignal,
): Promise<Findings> {
  if (arn === null) return nothingFound;
  const found = await problemOf(aws, arn, signal);
  if (!found) return nothingFound;
  if (isTaken) return { findings: [found], warnings: [] };
  return { findings: [], warnings: [`${found.message}; ${found.hint}`] };
}

async function problemOf(aws: Aws, arn: string, signal: AbortSignal): Promise<Finding | undefined> {
  const { clock, region } = aws;
  const elsewhere = inOtherAccount(arn, await aws.identity(signal));
  if (elsewhere) return elsewhere;
  try {
    const { Certificate: found } = await (await aws.certificates()).describeCertificate(
      { CertificateArn: arn },
      signal,
    );
    return found && judgeCertificate(arn, found, clock.now());
  } catch (error) {
    if (/^(ResourceNotFound|InvalidArn|Validation)/.test(awsErrorName(error) ?? "")) {
      const hint = `\`aws acm list-certificates --region ${region}\` lists those there are`;
      return invalid(`there is no certificate ${arn}`, hint);
    }
    // Told with all other rights that are missing.
    if (error instanceof CortexError && error.code === "NOT_AUTHORISED") return undefined;
    throw error;
  }
}

function inOtherAccount(arn: string, { accountId }: AwsIdentity): Finding | undefined {
  const [, , , , owner = ""] = arn.split(":");
  if (owner === "" || owner === accountId) return undefined;
  return invalid(
    `the certificate is of account ${owner}, the cluster of ${accountId}`,
    "request or import it in the cluster's account: a load balancer takes no other",
  );
}

/** Pure. @param now milliseconds since the epoch @returns undefined for one that serves */
export function judgeCertificate(
  arn: string,
  { Status: status = "ISSUED", NotAfter: end, FailureReason: reason }: CertificateDetail,
  now: number,
): Finding | undefined {
  if (status === "PENDING_VALIDATION") {
    return invalid(
      `certificate ${arn} is not issued yet: ACM waits for its validation`,
      `\`aws acm describe-certificate --certificate-arn ${arn}\` shows the DNS records or mails that it waits for`,
    );
  }
  const another = "import or request another one";
  if (status === "EXPIRED" || (status === "ISSUED" && end !== undefined && end.getTime() <= now)) {
    const since = end === undefined ? "has expired" : `expired on ${end.toISOString().slice(0, 10)}`;
    return invalid(`certificate ${arn} ${since}`, another);
  }
  if (status === "ISSUED") return undefined;
  const why = reason === undefined ? "" : ` (${words(reason)})`;
  return invalid(`certificate ${arn} is not in force: ${words(status)}${why}`, another);
}

/** `VALIDATION_TIMED_OUT` as people say it. */
function words(constant: string): string {
  return constant.toLowerCase().replaceAll("_", " ");
}

function invalid(message: string, hint: string): Finding {
  return { code: "SPEC_INVALID", message: `ssl_certificate_arn: ${message}`, hint };
}
