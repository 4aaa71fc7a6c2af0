import { nearest } from "./nearest.ts";

/** Those with EKS. For telling slips only: regions that are newer than this list are taken, too. */
const knownRegions = [
  ...["us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1"],
  ...["ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1"],
  ...["eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"],
  ...["ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"],
  ...["ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"],
  ...["ap-southeast-7", "af-south-1", "il-central-1", "me-central-1", "me-south-1", "cn-north-1", "cn-northwest-1"],
];

export const regionPattern = /^[a-z]{2}(?:-[a-z]+)+-[0-9]$/;
export const regionLimits = "as AWS names it, for example us-east-1";

/** What regions are called by, so far: a name of other words is a slip sooner than a new region. */
const isOfKnownWords = (region: string): boolean =>
  /^[a-z]{2}(?:-gov|-isob?|-iso[ef])?-(?:central|(?:north|south)(?:east|west)?|east|west)-[0-9]$/.test(region);

/** @returns false for one that is newer than this release, too */
export function isKnownRegion(region: string): boolean {
  return knownRegions.includes(region);
}

/** @returns the one that was most likely meant; undefined when none is close */
export function nearestRegion(region: string): string | undefined {
  return nearest(region, knownRegions);
}

/** @returns undefined for what is a region, or may be a new one; else what to write */
export function regionProblem(region: string): string | undefined {
  if (isOfKnownWords(region)) return undefined;
  const near = nearestRegion(region);
  if (near !== undefined) return `did you mean ${near}?`;
  return regionPattern.test(region) ? undefined : regionLimits;
}
