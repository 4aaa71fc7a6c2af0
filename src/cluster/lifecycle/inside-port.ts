import type { ReachableCluster, UpOutcome, WalkListener } from "../../core/cloud-cluster.ts";
import type { CloudSettings } from "../../core/cluster.ts";
import type { Problem } from "../../core/errors.ts";
import type { PlannedChange } from "../../core/graph/plan.ts";
import type { InsideLook } from "../people/look-inside.ts";

/** What lives inside a cluster, seen from the plan of the whole. */
export interface InsideView {
  readonly changes: readonly PlannedChange[];
  readonly warnings: readonly string[];
  /** Why it cannot become so. */
  readonly problems: readonly Problem[];
}

export interface InsidePlace {
  readonly cloud: CloudSettings;
  readonly reachable: ReachableCluster;
}

export interface InsideQuestion {
  readonly cloud: CloudSettings;
  /** Undefined: there is no API server to ask yet, and all of it is to come. */
  readonly reachable: ReachableCluster | undefined;
  /** Ids of the changes it comes after. */
  readonly needs: readonly string[];
}

export type Brought = Pick<UpOutcome, "failures" | "apiEndpoint">;

/** The inside of clusters: what runs in them for APIs, and what they hold in AWS through Kubernetes. */
export interface Inside {
  /** An API server that does not answer is a warning: AWS's part can be done without it. */
  view(question: InsideQuestion, signal: AbortSignal): Promise<InsideView>;
  /** Nodes, what is asked of them, and where APIs are reached. @throws CortexError when the API server does not answer */
  look(reachable: ReachableCluster, signal: AbortSignal): Promise<InsideLook>;
  /** What `cluster up` wrote down; undefined where that is nothing, or cannot be read. */
  written(reachable: ReachableCluster, signal: AbortSignal): Promise<CloudSettings | undefined>;
  /** Brings what is missing. Each part that fails is one of the failures. */
  bring(place: InsidePlace, onEvent: WalkListener, signal: AbortSignal): Promise<Brought>;
  /**
   * Has Kubernetes remove what it made in AWS, for as long as it answers.
   * @returns why it did not to the end; what is left is looked for in AWS afterwards in any case
   */
  release(
    reachable: ReachableCluster,
    onDetail: (detail: string) => void,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}
