import type { Aws } from "../aws/aws.ts";
import { allItems } from "./resources/pages.ts";

/** How EKS stands by a version of Kubernetes that it offers. */
export interface VersionSupport {
  /** It has outlived its standard support, and the control plane costs more. */
  readonly isExtended: boolean;
  /** Milliseconds since the epoch; undefined: EKS does not tell. */
  readonly standardUntil?: number;
}

/** A version whose standard support ends within so many days is worth a word. */
const warnDays = 60;
const dayMs = 86_400_000;

/** @returns what EKS says of every version that it offers, by version: `1.35` */
export async function readVersions(aws: Aws, signal: AbortSignal): Promise<ReadonlyMap<string, VersionSupport>> {
  const eks = await aws.eks();
  const offered = await allItems(
    (nextToken) => eks.describeClusterVersions({ ...(nextToken && { nextToken }) }, signal),
    ({ clusterVersions }) => clusterVersions,
    ({ nextToken }) => nextToken,
  );
  return new Map(
    offered.map(({ clusterVersion = "", versionStatus, endOfStandardSupportDate: end }) => [
      clusterVersion,
      { isExtended: versionStatus === "EXTENDED_SUPPORT", ...(end && { standardUntil: end.getTime() }) },
    ]),
  );
}

/** Pure. @param now milliseconds since the epoch @returns what is to be said of a version; undefined: nothing */
export function supportText(version: string, support: VersionSupport | undefined, now: number): string | undefined {
  const { isExtended = false, standardUntil } = support ?? {};
  const days = standardUntil === undefined ? undefined : Math.floor((standardUntil - now) / dayMs);
  const date = standardUntil === undefined ? "" : ` on ${new Date(standardUntil).toISOString().slice(0, 10)}`;
  const subject = `standard support of Kubernetes ${version}`;
  if (isExtended || (days !== undefined && days < 0)) return `${subject} ended${date}: the control plane costs more`;
  if (days === undefined || days > warnDays) return undefined;
  return `${subject} ends${date}, and the control plane costs more from then on`;
}
