import type { FoundOne } from "./duplicates.ts";
import type { KindOrder } from "./order.ts";
import type { Step } from "./plan.ts";

/** One that was found, with its id within a plan. */
export interface NamedOne extends FoundOne {
  readonly id: string;
}

/**
 * An id stands once in a plan: of several with the same one, each gets its label too.
 * @param taken ids that others of the plan have
 */
export function withIds(all: readonly FoundOne[], taken: ReadonlySet<string> = new Set()): readonly NamedOne[] {
  const same = Map.groupBy(all, ({ found }) => found.id);
  const isAlone = (id: string) => same.get(id)?.length === 1 && !taken.has(id);
  return all.map((one) => {
    const { id, label } = one.found;
    return { ...one, id: isAlone(id) ? id : `${id} ${label}` };
  });
}

/** @returns steps that remove `all`: each after those of the kinds that hang on its own; in no order */
export function removals(all: readonly NamedOne[], order: KindOrder): readonly Step[] {
  const byKind = Map.groupBy(all, ({ kind }) => kind.name);
  const needsOf = (kind: string) =>
    [...order.nearestNeeding(kind, (name) => byKind.has(name))].flatMap((name) =>
      (byKind.get(name) ?? []).map(({ id }) => id),
    );
  return [...byKind].flatMap(([name, ones]) => {
    const needs = needsOf(name);
    return ones.map((one) => removal(one, needs));
  });
}

function removal({ id, kind, found }: NamedOne, needs: readonly string[]): Step {
  return {
    id,
    title: kind.title,
    action: "remove",
    label: found.label,
    differences: [],
    needs,
    expectedMs: kind.typicalMs.remove,
    kind,
    found,
  };
}
