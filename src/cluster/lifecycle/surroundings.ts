import type { Aws } from "../../aws/aws.ts";
import type { ReachableCluster } from "../../core/cloud-cluster.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { Inside } from "./inside-port.ts";

/** What making, changing and removing clusters works with. */
export interface Surroundings {
  /** Of any region; each cluster has its own. */
  readonly aws: Aws;
  /** Folder of Cortex, where prices are kept. */
  readonly home: string;
  readonly inside: Inside;
  /** Speaks to a cluster's API server as the user of `aws`. */
  connect(cluster: ReachableCluster, signal: AbortSignal): Promise<KubeClient>;
}
