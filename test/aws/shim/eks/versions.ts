import type { ClusterVersionInformation } from "@aws-sdk/client-eks";
import type { Handlers } from "../world.ts";
import { page } from "./state.ts";

export const defaultVersion = "1.35";

const dayMs = 86_400_000;

function version(minor: number, support: "STANDARD_SUPPORT" | "EXTENDED_SUPPORT"): Version {
  return { minor, clusterVersion: `1.${minor}`, support };
}

/** @param now of a clock in which the support of each version ends four months after that of the one before */
function told({ minor, clusterVersion, support }: Version, now: number): ClusterVersionInformation {
  const month = (n: number) => new Date(now + ((minor - 32.5) * 4 + n) * 30 * dayMs);
  return {
    clusterVersion,
    clusterType: "eks",
    defaultPlatformVersion: platformVersion(clusterVersion),
    defaultVersion: clusterVersion === defaultVersion,
    releaseDate: month(-14),
    endOfStandardSupportDate: month(1),
    endOfExtendedSupportDate: month(13),
    versionStatus: support,
    kubernetesPatchVersion: `${clusterVersion}.2`,
  };
}

interface Version {
  readonly minor: number;
  readonly clusterVersion: string;
  readonly support: "STANDARD_SUPPORT" | "EXTENDED_SUPPORT";
}

/** Newest first, as EKS lists them. */
export const versions: readonly Version[] = [
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
    const all = versions.map((one) => told(one, handling.world.clock.now()));
    return page(handling, "clusterVersions", all.filter(isWanted));
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
