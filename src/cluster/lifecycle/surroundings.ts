import type { Aws } from "../../aws/aws.ts";
import type { ReachableCluster } from "../../core/cloud-cluster.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";

/** What making, changing and removing clusters works with. */
export interface Surroundings {
  /** Of any region; each cluster has its own. */
  readonly aws: Aws;
  /** Folder of Cortex, where prices are kept. */
  readonly home: string;
  /** Of Cortex itself. */
  readonly version: string;
  /** Folder of manifests for what goes into a cluster; undefined: they come from the internet. */
  readonly addonsDir?: string;
  /** Speaks to a cluster's API server as the user of `aws`. */
  connect(cluster: ReachableCluster, signal: AbortSignal): Promise<KubeClient>;
}
