import type { AnyKind, Found } from "./resource.ts";

/** All that was found, by the name of its kind. A kind that none was found of may be missing. */
export type FoundByKind = ReadonlyMap<string, readonly Found<unknown>[]>;

/** One that was found, with what it is. */
export interface FoundOne {
  readonly kind: AnyKind;
  readonly found: Found<unknown>;
}

export interface Chosen {
  /** One for each id. */
  readonly kept: ReadonlyMap<string, FoundOne>;
  readonly duplicates: readonly FoundOne[];
}

const rank: Readonly<Record<Found<unknown>["status"], number>> = {
  ready: 0,
  changing: 1,
  making: 2,
  failed: 3,
  removing: 4,
};

/**
 * Of those with the same id one is kept: one that works rather than one that failed, then the one that most others hang on, then
 * the oldest. Which of them was made last by an interrupted run cannot be told from its age: the one it did not see may be older.
 */
export function choose(kinds: readonly AnyKind[], found: FoundByKind): Chosen {
  const users = countUsers(found);
  const all = kinds.flatMap((kind) => (found.get(kind.name) ?? []).map((one): FoundOne => ({ kind, found: one })));
  const kept = new Map<string, FoundOne>();
  const duplicates: FoundOne[] = [];
  for (const [id, same] of Map.groupBy(all, (one) => one.found.id)) {
    const [best, ...rest] = same.toSorted((one, other) => compare(one.found, other.found, users));
    kept.set(id, best!);
    duplicates.push(...rest);
  }
  return { kept, duplicates };
}

function countUsers(found: FoundByKind): ReadonlyMap<string, number> {
  const users = new Map<string, number>();
  for (const { uses = [] } of [...found.values()].flat()) {
    for (const label of new Set(uses)) users.set(label, (users.get(label) ?? 0) + 1);
  }
  return users;
}

function compare(one: Found<unknown>, other: Found<unknown>, users: ReadonlyMap<string, number>): number {
  const isLost = ({ status }: Found<unknown>) => (status === "failed" || status === "removing" ? 1 : 0);
  const userCount = ({ label }: Found<unknown>) => users.get(label) ?? 0;
  const useCount = ({ uses = [] }: Found<unknown>) => uses.length;
  return (
    isLost(one) - isLost(other) ||
    userCount(other) - userCount(one) ||
    rank[one.status] - rank[other.status] ||
    // Attached to more: further on its way.
    useCount(other) - useCount(one) ||
    (one.createdAt ?? 0) - (other.createdAt ?? 0) ||
    (one.label < other.label ? -1 : 1)
  );
}
