import type { ClusterVersionInformation } from "@aws-sdk/client-eks";
import type { Handlers } from "../world.ts";
import { page } from "./state.ts";

export const defaultVersion = "1.35";

function version(minor: number, support: "STANDARD_SUPPORT" | "EXTENDED_SUPPORT"): ClusterVersionInformation {
  const clusterVersion = `1.${minor}`;
  const month = (n: number) => new Date(Date.UTC(2025, (minor - 33) * 4 + n, 1));
  return {
    clusterVersion,
    clusterType: "eks",
    defaultPlatformVersion: platformVersion(clusterVersion),
    defaultVersion: clusterVersion === defaultVersion,
    releaseDate: month(4),
    endOfStandardSupportDate: month(18),
    endOfExtendedSupportDate: month(30),
    versionStatus: support,
    kubernetesPatchVersion: `${clusterVersion}.2`,
  };
}

/** Newest first, as EKS lists them. */
export const versions: readonly ClusterVersionInformation[] = [
  version(36, "STANDARD_SUPPORT"),
  version(35, "STANDARD_SUPPORT"),
  version(34, "STANDARD_SUPPORT"),
  version(33, "STANDARD_SUPPORT"),
  version(32, "EXTENDED_SUPPORT"),
];

export const versionHandlers: Handlers = {
  DescribeClusterVersions: (handling) => {
    const { query } = handling.request;
    const named = query.getAll("clusterVersions");
    const isWanted = ({ clusterVersion, defaultVersion, versionStatus }: ClusterVersionInformation) =>
      (named.length === 0 || named.includes(clusterVersion!)) &&
      (query.get("defaultOnly") !== "true" || defaultVersion === true) &&
      (!query.has("versionStatus") || query.get("versionStatus") === versionStatus);
    return page(handling, "clusterVersions", versions.filter(isWanted));
  },
};

export function platformVersion(of: string): string {
  return `eks.${(Number(of.split(".")[1]) % 7) + 3}`;
}

/** @returns the minor part: 34 of `1.34` */
export function minorOf(of: string): number {
  return Number(of.split(".")[1]);
}

export function releaseVersion(of: string): string {
  return `${of}.2-20261101`;
}
