import type { PlannedChange, Step } from "../../core/graph/plan.ts";

/** @returns what people and programs see of the steps of a plan */
export function changesOf(steps: readonly Step[]): readonly PlannedChange[] {
  return steps.map(({ kind: _kind, wanted: _wanted, found: _found, ...change }) => change);
}
