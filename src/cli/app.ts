import type { Check } from "../core/check.ts";
import type { CloudClusters, ClusterId } from "../core/cloud-cluster.ts";
import type { CloudPolicies } from "../core/cloud-rights.ts";
import type { ClusterAdmin } from "../core/cluster.ts";
import type { ProjectFiles } from "../core/deploy.ts";
import type { ApiState, Environment } from "../core/environment.ts";
import type { Kubeconfigs } from "../core/kubeconfig.ts";
import type { ProgramUpdates } from "../core/program-update.ts";
import type { Terminal } from "./render/terminal.ts";
import type { SettingsStore } from "./settings.ts";

/** An API and where in its cluster it is. */
export interface ApiPlace {
  readonly namespace: string;
  readonly state: ApiState;
}

export interface CloudOptions {
  /** Folder of manifests for what goes into a cluster, instead of their addresses on the internet. */
  readonly addonsDir?: string;
}

/** What a command works with; `src/main.ts` joins the real parts, a test its own. */
export interface App {
  /** The command line as typed, the program's own name left out. */
  readonly args: readonly string[];
  readonly terminal: Terminal;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly settings: SettingsStore;
  /** Milliseconds since the epoch. */
  now(): number;
  /**
   * The environment called `name`; without one that of `CORTEX_ENV`, else the default one.
   * @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED
   */
  environment(name?: string): Promise<Environment>;
  /**
   * The cluster of an environment, chosen as `environment` does.
   * @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED for an environment that is no cluster
   */
  cluster(name?: string): Promise<ClusterAdmin>;
  /** Clusters on AWS, with the credentials that are found for this user. */
  clouds(options?: CloudOptions): Promise<CloudClusters>;
  /** A cluster on AWS, whether or not it is an environment here. @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED */
  cloudCluster(cluster: ClusterId): Promise<ClusterAdmin>;
  /** The APIs in all namespaces of a cluster on AWS. @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED */
  apisOf(cluster: ClusterId): Promise<readonly ApiPlace[]>;
  readonly kubeconfigs: Kubeconfigs;
  /** What commands need to be allowed on AWS. */
  cloudPolicies(): Promise<CloudPolicies>;
  files(): Promise<ProjectFiles>;
  /** `user@host`. */
  identity(): Promise<string>;
  /** What the machine itself looks like, for `doctor`. */
  checkMachine(signal: AbortSignal): Promise<readonly Check[]>;
  /** What an environment looks like from here, for `doctor`; of `local` it is the machine. @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED */
  checkEnvironment(name: string, signal: AbortSignal): Promise<readonly Check[]>;
  /** Newer versions of this program, and how one is installed. */
  updates(): Promise<ProgramUpdates>;
  /**
   * A newer version that it is time to tell of, by what was found earlier; undefined for none. Waits for no network: what is
   * to be found out is found out after this program has ended. Only where the program is a file of its own.
   */
  readonly newerVersion: (() => Promise<string | undefined>) | undefined;
  /** Set by a command that ends without an error but not with 0: `diff` that found some, `predict` that was refused. */
  exitStatus: number;
  /** What a command that is interrupted now leaves behind, in one line. */
  leftBehind: string | undefined;
}
