import { CortexError } from "../core/errors.ts";
import { nearestRegion } from "../spec/regions.ts";
import type { Aws } from "./aws.ts";
import { awsErrorName } from "./refusal.ts";

/** @param cause what was found out by */
export function noSuchRegion(region: string, cause?: unknown): CortexError {
  const near = nearestRegion(region);
  return new CortexError("SPEC_INVALID", `region: AWS has no region ${region}`, {
    hint: near === undefined ? "choose one that has EKS, for example us-east-1" : `did you mean ${near}?`,
    cause,
  });
}

/** How AWS refuses somebody whom a region does not know, as one does that the account has not enabled. */
const unknownThere =
  /^(UnrecognizedClient|InvalidClientTokenId|AuthFailure|OptInRequired|InvalidAccessKeyId|InvalidToken)/;

/**
 * Waits for `work`, which is done in the region of `aws`. Where AWS does not accept the credentials there, another region is asked
 * whether that is because of the region.
 * @throws SPEC_INVALID for a region that there is not or that the account has not enabled; else what `work` throws
 */
export async function inUsableRegion<T>(aws: Aws, work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const isDoubtful = error instanceof CortexError && error.code === "NOT_AUTHORISED";
    if (signal.aborted || !isDoubtful || !unknownThere.test(awsErrorName(error) ?? "")) throw error;
    throw (await problemOf(aws, error, signal)) ?? error;
  }
}

/** @returns undefined where it is not the region, or nobody says */
async function problemOf(aws: Aws, cause: CortexError, signal: AbortSignal): Promise<CortexError | undefined> {
  const { region } = aws;
  const home = homeOf(region);
  if (region === home) return undefined;
  try {
    const { Regions = [] } = await (await aws.inRegion(home).ec2()).describeRegions({ AllRegions: true }, signal);
    if (Regions.length === 0) return undefined;
    const found = Regions.find(({ RegionName }) => RegionName === region);
    if (!found) return noSuchRegion(region, cause);
    if (found.OptInStatus !== "not-opted-in") return undefined;
    return new CortexError("SPEC_INVALID", `region: the account has not enabled ${region}`, {
      hint: `\`aws account enable-region --region-name ${region}\` enables it (minutes to hours), or choose another region`,
      cause,
    });
  } catch (error) {
    if (error instanceof CortexError && !signal.aborted) return undefined;
    throw error;
  }
}

/** A region that every account of its partition may use. */
function homeOf(region: string): string {
  if (region.startsWith("cn-")) return "cn-north-1";
  return region.startsWith("us-gov-") ? "us-gov-west-1" : "us-east-1";
}
