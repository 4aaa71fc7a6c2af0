import type { AnyKind, Difference, Found, Wanted } from "./resource.ts";

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

/** A change with all that it takes to do it. */
export interface Step extends PlannedChange {
  readonly kind: AnyKind;
  /** Undefined: it is removed, or it is kept without being looked at. */
  readonly wanted?: Wanted;
  /** Undefined: it is not there. */
  readonly found?: Found<unknown>;
  /** Something that it hangs on is made anew: it may go with the former one. */
  readonly mayGo?: boolean;
}

/** All that is done, each step after those that it needs. */
export interface GraphPlan {
  readonly kinds: readonly AnyKind[];
  /** In the order of the wish. */
  readonly wanted: readonly Wanted[];
  readonly steps: readonly Step[];
}

export interface WalkEvent {
  readonly id: string;
  readonly title: string;
  /** `note`: something to know, in `detail`, whatever becomes of the resource. */
  readonly phase: "waiting" | "running" | "done" | "failed" | "blocked" | "note";
  readonly action: PlannedChange["action"];
  readonly detail?: string;
  /** Milliseconds since it began to run. */
  readonly elapsedMs?: number;
}

/** @returns `changes` without those that only say that all is well */
export function realChanges<Change extends PlannedChange>(changes: readonly Change[]): readonly Change[] {
  return changes.filter(({ action }) => action !== "keep");
}

/**
 * @param shown what somebody agreed to
 * @returns what of `now`, a later plan for the same wish, goes beyond it: between the two somebody else changed something
 */
export function unseenChanges<Change extends PlannedChange>(
  shown: readonly PlannedChange[],
  now: readonly Change[],
): readonly Change[] {
  const byId = new Map(realChanges(shown).map((change) => [change.id, change]));
  return realChanges(now).filter((change) => !isAgreed(byId.get(change.id), change));
}

/** Who agreed that something is made also agreed to what it takes when somebody else has begun with it meanwhile. */
function isAgreed(shown: PlannedChange | undefined, now: PlannedChange): boolean {
  if (now.action === "settle") return true;
  if (!shown) return false;
  if (shown.action === "remove" || now.action === "remove") return shown.action === now.action;
  if (shown.action !== "update") return true;
  const fields = new Set(shown.differences.map(({ field }) => field));
  return now.action === "update" && now.differences.every(({ field }) => fields.has(field));
}
