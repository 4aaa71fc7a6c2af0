import type { Difference } from "./resource.ts";

/** What is done about one resource. */
export interface PlannedChange {
  readonly id: string;
  /** Of its kind, for people: `NAT gateway`. */
  readonly title: string;
  /** `settle`: it is being made or changed already, by a run that was interrupted. `replace`: it failed, is removed and made again. */
  readonly action: "create" | "update" | "replace" | "settle" | "keep" | "remove";
  /** As the provider names it; undefined when it is not there yet. */
  readonly label?: string;
  readonly detail?: string;
  readonly differences: readonly Difference[];
  /** Ids of the changes that must have been done before. */
  readonly needs: readonly string[];
  readonly expectedMs: number;
}

export interface WalkEvent {
  readonly id: string;
  readonly title: string;
  readonly phase: "waiting" | "running" | "done" | "failed" | "blocked";
  readonly action: PlannedChange["action"];
  readonly detail?: string;
  /** Milliseconds since it began to run. */
  readonly elapsedMs?: number;
}
