import type { FoundByKind, FoundOne } from "./duplicates.ts";
import { inOrder, kindOrder } from "./order.ts";
import type { GraphPlan, Step } from "./plan.ts";
import { type NamedOne, removals, withIds } from "./removals.ts";
import type { AnyKind } from "./resource.ts";

export interface Down {
  readonly kinds: readonly AnyKind[];
  readonly found: FoundByKind;
  /** Names of kinds that stay. */
  readonly kept?: readonly string[];
}

/** Everything that was found is removed, duplicates too: each when all of the kinds that hang on its own are gone. Pure. */
export function planDown({ kinds, found, kept = [] }: Down): GraphPlan {
  const all = kinds.flatMap((kind) => (found.get(kind.name) ?? []).map((one): FoundOne => ({ kind, found: one })));
  const named = withIds(all);
  const going = named.filter(({ kind }) => !kept.includes(kind.name));
  const staying = named.filter(({ kind }) => kept.includes(kind.name));
  const steps = [...removals(going, kindOrder(kinds)), ...staying.map(keepStep)];
  return { kinds, wanted: [], steps: inOrder(steps) };
}

function keepStep({ id, kind, found }: NamedOne): Step {
  return {
    id,
    title: kind.title,
    action: "keep",
    label: found.label,
    differences: [],
    needs: [],
    expectedMs: 0,
    kind,
    found,
  };
}
