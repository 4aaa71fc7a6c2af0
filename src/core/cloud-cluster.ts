import type { Cluster } from "../spec/parse-cluster.ts";
import type { Check } from "./check.ts";
import type { CortexError } from "./errors.ts";
import type { PlannedChange, WalkEvent } from "./graph/plan.ts";

/** Which cluster. */
export interface ClusterId {
  readonly name: string;
  readonly region: string;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** One line of what a cluster costs, in US dollars. */
export interface CostLine {
  /** e.g. `node group cpu: 1 to 5 m5.large`. */
  readonly what: string;
  /** Undefined: no price is known. */
  readonly perHour?: Range;
}

export interface Cost {
  readonly lines: readonly CostLine[];
  /** Sum of what is known. */
  readonly perHour: Range;
  /** Date of the prices, `2026-11-26`. */
  readonly pricesOf: string;
  /** They could not be asked for now: those of an earlier day, or of this release. */
  readonly isCached: boolean;
}

export interface CloudPlan {
  readonly cluster: ClusterId;
  readonly changes: readonly PlannedChange[];
  /** Of the longest chain of changes. */
  readonly expectedMs: number;
  readonly cost: Cost;
  /** Before the changes; undefined when there is no cluster yet. */
  readonly costNow?: Cost;
  readonly warnings: readonly string[];
}

/** A cluster that works, as an environment needs it. */
export interface ReachableCluster extends ClusterId {
  /** `https://…eks.amazonaws.com`. */
  readonly endpoint: string;
  /** PEM. */
  readonly authorities: string;
  readonly accountId: string;
  /** Prefix that images are pushed under: `123456789012.dkr.ecr.us-east-1.amazonaws.com/cortex`. */
  readonly registry: string;
}

export interface WalkFailure {
  readonly id: string;
  /** Of its kind, for people: `NAT gateway`. */
  readonly title: string;
  /** Of cluster.yaml, the one that it is about: `node_groups.cpu`. */
  readonly field?: string;
  readonly error: CortexError;
}

export interface UpOutcome {
  readonly failures: readonly WalkFailure[];
  /** Undefined when the control plane could not be made. */
  readonly reachable?: ReachableCluster;
  /** Where APIs are reached, `http://…elb.amazonaws.com`; undefined where there is no load balancer yet. */
  readonly apiEndpoint?: string;
}

/** Something of a cluster that is still there, with what it costs per hour where it costs. */
export interface Leftover {
  readonly what: string;
  readonly label: string;
  readonly perHour?: number;
}

export interface DownOptions {
  /** What cannot be made again stays: the bucket, the images, the logs and the disks of persistent volumes. */
  readonly keepAwsResources: boolean;
}

export interface DownOutcome {
  readonly failures: readonly WalkFailure[];
  /** Found by a sweep at the end, by tag and by network; what was asked to be kept is not in it. */
  readonly left: readonly Leftover[];
  readonly kept: readonly Leftover[];
}

export interface NodeUse {
  readonly name: string;
  readonly instanceType: string;
  readonly lifecycle: "spot" | "on-demand";
  readonly nodeGroup: string;
  readonly replicas: number;
  /** Cores, bytes, devices: requested by pods, and what a node has for them. */
  readonly cpu: { readonly requested: number; readonly allocatable: number };
  readonly memory: { readonly requested: number; readonly allocatable: number };
  readonly gpu: { readonly requested: number; readonly allocatable: number };
  readonly inf: { readonly requested: number; readonly allocatable: number };
  readonly perHour?: number;
}

export interface ApiCost {
  readonly namespace: string;
  readonly api: string;
  readonly replicas: number;
  /** Its share of the nodes it runs on, by the larger of its shares of processors, memory and devices. */
  readonly perHour: number;
}

export interface CloudInfo {
  readonly cluster: ClusterId;
  readonly status: string;
  readonly kubernetesVersion: string;
  readonly endpoint?: string;
  /** Where APIs are reached. */
  readonly apiEndpoint?: string;
  readonly bucket?: string;
  readonly registry?: string;
  readonly nodes: readonly NodeUse[];
  readonly unscheduledReplicas: number;
  readonly cost: Cost;
  readonly apis: readonly ApiCost[];
  /** What nodes cost that no API uses, per hour. */
  readonly idlePerHour: number;
  /** What could not be read, and why. */
  readonly warnings: readonly string[];
}

/** A cluster.yaml that describes a cluster as it is. */
export interface ClusterConfig {
  /** As the file has them; what need not be written may be missing. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What of it is not known, and why. */
  readonly warnings: readonly string[];
}

export interface ClusterSummary extends ClusterId {
  readonly status: string;
  readonly kubernetesVersion: string;
  readonly nodes: number;
}

export interface ClusterList {
  readonly clusters: readonly ClusterSummary[];
  /** Regions that could not be read, and why. */
  readonly unread: readonly { readonly region: string; readonly message: string }[];
}

export type WalkListener = (event: WalkEvent) => void;

/** What `cortex cluster` does in one account of AWS. Plans change nothing; a plan is what is then done. */
export interface CloudClusters extends AsyncDisposable {
  /**
   * Everything that `cluster` asks for and that is missing or differs; of a running cluster also what is too many.
   * @throws with all reasons at once why it cannot be: rights, quotas, offerings, names, fields that cannot be changed
   */
  planUp(cluster: Cluster, signal: AbortSignal): Promise<CloudPlan>;
  /** The same for a cluster that must exist. @throws ENVIRONMENT_NOT_FOUND */
  planConfigure(cluster: Cluster, signal: AbortSignal): Promise<CloudPlan>;
  /** Does what is planned, whatever the plan was for. One at a time per cluster. @throws CONFLICT naming who is at it */
  apply(plan: CloudPlan, onEvent: WalkListener, signal: AbortSignal): Promise<UpOutcome>;
  /** Control plane, add-ons and nodes, one minor version further, or to `version`. */
  planUpgrade(cluster: ClusterId, version: string | undefined, signal: AbortSignal): Promise<CloudPlan>;
  /** @throws ENVIRONMENT_NOT_FOUND when nothing of it is there; NOT_SUPPORTED when it is not ours */
  planDown(cluster: ClusterId, options: DownOptions, signal: AbortSignal): Promise<CloudPlan>;
  down(plan: CloudPlan, options: DownOptions, onEvent: WalkListener, signal: AbortSignal): Promise<DownOutcome>;
  /** @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED */
  reach(cluster: ClusterId, signal: AbortSignal): Promise<ReachableCluster>;
  info(cluster: ClusterId, signal: AbortSignal): Promise<CloudInfo>;
  /** What `up` would have to be given to make it as it is. @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED */
  config(cluster: ClusterId, signal: AbortSignal): Promise<ClusterConfig>;
  /** Of ours, in all regions that the account uses, or in those given. */
  list(regions: readonly string[] | undefined, signal: AbortSignal): Promise<ClusterList>;
  /** What belongs to AWS of a cluster's health; Kubernetes' own part is `ClusterAdmin.health`. */
  health(cluster: ClusterId, signal: AbortSignal): Promise<readonly Check[]>;
}
