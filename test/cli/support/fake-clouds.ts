import type { Check } from "../../../src/core/check.ts";
import type {
  CloudClusters,
  CloudInfo,
  CloudPlan,
  ClusterConfig,
  ClusterId,
  ClusterList,
  DownOptions,
  DownOutcome,
  ReachableCluster,
  UpOutcome,
  WalkListener,
} from "../../../src/core/cloud-cluster.ts";
import type { CortexError } from "../../../src/core/errors.ts";
import type { PlannedChange } from "../../../src/core/graph/plan.ts";
import type { Cluster } from "../../../src/spec/parse-cluster.ts";

export const cluster: ClusterId = { name: "cortex", region: "us-east-1" };

export const reachable: ReachableCluster = {
  ...cluster,
  endpoint: "https://ABC.gr7.us-east-1.eks.amazonaws.com",
  authorities: "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n",
  accountId: "123456789012",
  registry: "123456789012.dkr.ecr.us-east-1.amazonaws.com/cortex",
};

export function change(id: string, title: string, more: Partial<PlannedChange> = {}): PlannedChange {
  return { id, title, action: "create", differences: [], needs: [], expectedMs: 60_000, ...more };
}

export const cost: CloudPlan["cost"] = {
  lines: [
    { what: "EKS control plane", perHour: { min: 0.1, max: 0.1 } },
    { what: "node group cpu: 1 to 5 m5.large", perHour: { min: 0.1025, max: 0.5125 } },
  ],
  perHour: { min: 0.2025, max: 0.6125 },
  pricesOf: "2026-11-26",
  isCached: false,
};

export const upPlan: CloudPlan = {
  cluster,
  changes: [
    change("bucket", "bucket", { expectedMs: 1_000 }),
    change("vpc", "VPC", { expectedMs: 2_000 }),
    change("control-plane", "control plane", { detail: "Kubernetes 1.34", needs: ["vpc"], expectedMs: 540_000 }),
    change("node-group/cpu", "node group", {
      detail: "1 to 5 m5.large",
      needs: ["control-plane"],
      expectedMs: 150_000,
    }),
  ],
  expectedMs: 692_000,
  cost,
  warnings: [],
};

export const configurePlan: CloudPlan = {
  ...upPlan,
  changes: [
    change("vpc", "VPC", { action: "keep", label: "vpc-0a1b" }),
    change("node-group/cpu", "node group", {
      action: "update",
      label: "cpu",
      differences: [{ field: "node_groups.cpu.max_instances", from: "5", to: "8" }],
    }),
  ],
  expectedMs: 60_000,
  costNow: cost,
};

export const nothingPlan: CloudPlan = {
  ...upPlan,
  changes: [change("vpc", "VPC", { action: "keep", label: "vpc-0a1b" })],
  expectedMs: 0,
  costNow: cost,
};

export const downPlan: CloudPlan = {
  ...upPlan,
  changes: [
    change("node-group/cpu", "node group", { action: "remove", label: "cpu" }),
    change("vpc", "VPC", { action: "remove", label: "vpc-0a1b", needs: ["node-group/cpu"] }),
  ],
  cost: { ...cost, lines: [], perHour: { min: 0, max: 0 } },
  costNow: cost,
};

export interface FakeCloudsOptions {
  readonly plan?: CloudPlan;
  readonly outcome?: Partial<UpOutcome>;
  readonly downOutcome?: Partial<DownOutcome>;
  /** Thrown by every plan. */
  readonly refusal?: CortexError;
  /** What `health` finds. */
  readonly checks?: readonly Check[];
  /** Said while applying. */
  readonly note?: string;
  /** Called in the middle of applying. */
  readonly onApply?: (signal: AbortSignal) => Promise<void>;
}

/** Clusters on AWS, made up. */
export class FakeClouds implements CloudClusters {
  readonly calls: string[] = [];
  readonly planned: Cluster[] = [];
  readonly #options: FakeCloudsOptions;

  constructor(options: FakeCloudsOptions = {}) {
    this.#options = options;
  }

  async planUp(wanted: Cluster): Promise<CloudPlan> {
    return this.#plan("planUp", upPlan, wanted);
  }

  async planConfigure(wanted: Cluster): Promise<CloudPlan> {
    return this.#plan("planConfigure", configurePlan, wanted);
  }

  async planUpgrade({ name, region }: ClusterId, version: string | undefined): Promise<CloudPlan> {
    return this.#plan(`planUpgrade ${name} ${region} ${version}`, configurePlan);
  }

  async planDown({ name, region }: ClusterId, { keepAwsResources }: DownOptions): Promise<CloudPlan> {
    return this.#plan(`planDown ${name} ${region} ${keepAwsResources ? "keeping" : "all"}`, downPlan);
  }

  async apply(_plan: CloudPlan, onEvent: WalkListener, signal: AbortSignal): Promise<UpOutcome> {
    this.calls.push("apply");
    onEvent({ id: "vpc", title: "VPC", phase: "running", action: "create" });
    const { note } = this.#options;
    if (note !== undefined) onEvent({ id: "lease", title: "lease", phase: "note", action: "settle", detail: note });
    await this.#options.onApply?.(signal);
    signal.throwIfAborted();
    onEvent({ id: "vpc", title: "VPC", phase: "done", action: "create", elapsedMs: 2_000 });
    const apiEndpoint = "http://cortex-1a2b.elb.us-east-1.amazonaws.com";
    return { failures: [], reachable, apiEndpoint, ...this.#options.outcome };
  }

  async down(_plan: CloudPlan, _options: DownOptions, onEvent: WalkListener): Promise<DownOutcome> {
    this.calls.push("down");
    onEvent({ id: "vpc", title: "VPC", phase: "running", action: "remove" });
    onEvent({ id: "vpc", title: "VPC", phase: "done", action: "remove", elapsedMs: 2_000 });
    return { failures: [], left: [], kept: [], ...this.#options.downOutcome };
  }

  async reach(): Promise<ReachableCluster> {
    return reachable;
  }

  async info(_id: ClusterId): Promise<CloudInfo> {
    throw new Error("not made up");
  }

  async config(_id: ClusterId): Promise<ClusterConfig> {
    throw new Error("not made up");
  }

  async list(_regions?: readonly string[]): Promise<ClusterList> {
    return { clusters: [], unread: [] };
  }

  async health(_id: ClusterId): Promise<readonly Check[]> {
    return this.#options.checks ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #plan(call: string, usual: CloudPlan, wanted?: Cluster): CloudPlan {
    this.calls.push(call);
    if (wanted) this.planned.push(wanted);
    if (this.#options.refusal) throw this.#options.refusal;
    return this.#options.plan ?? usual;
  }
}
