import type { Command } from "commander";
import type { ClusterId } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import { clusterNameLimits, clusterNamePattern } from "../../spec/definitions/cluster-name.ts";
import { regionProblem } from "../../spec/regions.ts";
import type { App } from "../app.ts";
import { hasClusterFile, readClusterFile } from "./cluster-file.ts";

/** How a command names a cluster on AWS. */
export interface ClusterFlags {
  readonly config?: string;
  readonly name?: string;
  readonly region?: string;
  /** An environment that is a cluster on AWS, where the command has such a flag. */
  readonly env?: string;
}

export function withClusterFlags(command: Command): Command {
  return command
    .option("-c, --config <file>", "cluster.yaml of the cluster (default: ./cluster.yaml)")
    .option("-n, --name <name>", "name of the cluster, in place of a file")
    .option("-r, --region <region>", "AWS region of the cluster (default: $AWS_REGION)");
}

/** @throws USAGE for flags that contradict each other; INPUT_NEEDED when nothing says which cluster; what reading its file throws */
export async function whichCluster(app: App, flags: ClusterFlags): Promise<ClusterId> {
  const { config, name, region, env } = flags;
  checkClusterFlags(flags);
  if (env !== undefined) return clusterOfEnvironment(app, env);
  if (config !== undefined && (name !== undefined || region !== undefined)) {
    throw new CortexError("USAGE", "-c names a file that says which cluster, so -n and -r have no place beside it", {
      hint: "give either -c FILE, or -n NAME -r REGION",
    });
  }
  if (name !== undefined) return { name, region: region ?? regionOf(app) };
  if (region !== undefined) {
    throw new CortexError("USAGE", `-r ${region} needs the name of the cluster, too`, {
      hint: `add -n NAME; \`cortex cluster list -r ${region}\` lists them`,
    });
  }
  if (config === undefined && !hasClusterFile(app)) {
    throw new CortexError("INPUT_NEEDED", "there is no ./cluster.yaml to say which cluster", {
      hint: "give -c FILE, or -n NAME -r REGION; `cortex cluster list` lists the clusters",
    });
  }
  const { cluster } = await readClusterFile(app, config);
  return { name: cluster.cluster_name, region: cluster.region };
}

/** @throws ENVIRONMENT_NOT_FOUND; NOT_SUPPORTED for an environment that is no cluster on AWS */
async function clusterOfEnvironment(app: App, name: string): Promise<ClusterId> {
  const [{ clusterEnvironment }, settings] = await Promise.all([import("../settings-changes.ts"), app.settings.read()]);
  const { eks } = clusterEnvironment(settings, name);
  if (eks) return { name: eks.cluster, region: eks.region };
  throw new CortexError(
    "NOT_SUPPORTED",
    `${name} is a cluster that its kubeconfig leads to, not one of AWS that Cortex made`,
    {
      hint: "name the cluster with -n NAME -r REGION",
    },
  );
}

function regionOf({ variables }: App): string {
  const variable = variables.AWS_REGION ? "AWS_REGION" : "AWS_DEFAULT_REGION";
  const region = variables[variable];
  if (region) return checkRegion(`${variable}=`, region);
  throw new CortexError("USAGE", "-n needs the region of the cluster, too", {
    hint: "add -r REGION, or set AWS_REGION",
  });
}

/** @throws USAGE for what is the name of no cluster, or of no region */
export function checkClusterFlags({ name, region }: Pick<ClusterFlags, "name" | "region">): void {
  if (name !== undefined && !clusterNamePattern.test(name)) {
    throw new CortexError("USAGE", `-n "${name}" is no name of a cluster`, { hint: clusterNameLimits });
  }
  if (region !== undefined) checkRegion("-r ", region);
}

/** @param from what gives it, as it is written: `-r ` */
export function checkRegion(from: string, region: string): string {
  const problem = regionProblem(region);
  if (problem) throw new CortexError("USAGE", `${from}"${region}" is no AWS region`, { hint: problem });
  return region;
}

/**
 * @returns the file that a command is given as its argument or with -c; undefined for neither
 * @throws USAGE for both
 */
export function fileGiven(file: string | undefined, config: string | undefined): string | undefined {
  if (file !== undefined && config !== undefined) {
    throw new CortexError("USAGE", `two files are given: ${file}, and ${config} with -c`, {
      hint: "-c FILE is the same as FILE: give one of them",
    });
  }
  return file ?? config;
}

/** As messages name it. */
export function clusterText({ name, region }: ClusterId): string {
  return `cluster ${name} in ${region}`;
}
