import type { AnyKind } from "./resource.ts";

interface Node {
  readonly id: string;
  readonly needs: readonly string[];
}

/**
 * @returns `nodes` so that each stands after all that it needs; otherwise in the order given
 * @throws Error naming a need that is not there, an id that is there twice, or a circle: bugs all
 */
export function inOrder<N extends Node>(nodes: readonly N[]): readonly N[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  if (byId.size < nodes.length) throw new Error(`there are two of ${twice(nodes)}`);
  const ordered = new Set<N>();
  const visit = (node: N, way: readonly string[]) => {
    if (ordered.has(node)) return;
    if (way.includes(node.id)) throw new Error(`needs form a circle: ${[...way, node.id].join(" -> ")}`);
    for (const need of node.needs) {
      const needed = byId.get(need);
      if (!needed) throw new Error(`${node.id} needs ${need}, which is not there`);
      visit(needed, [...way, node.id]);
    }
    ordered.add(node);
  };
  for (const node of nodes) visit(node, []);
  return [...ordered];
}

/**
 * @param ordered each after all that it needs
 * @returns for each id all that it needs, directly and through others
 */
export function allNeeds(ordered: readonly Node[]): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, ReadonlySet<string>>();
  for (const { id, needs } of ordered) {
    all.set(id, new Set(needs.flatMap((need) => [need, ...(all.get(need) ?? [])])));
  }
  return all;
}

/** Which kinds hang on which. */
export interface KindOrder {
  /** Names of all kinds that need `kind`, directly and through others. */
  needing(kind: string): ReadonlySet<string>;
  /** The same, but nothing behind a kind that `isStop` is true of. */
  nearestNeeding(kind: string, isStop: (kind: string) => boolean): ReadonlySet<string>;
}

/**
 * A need that is none of `kinds` counts for nothing: some kinds are only looked at when a cluster is taken down.
 * @throws Error when needs form a circle
 */
export function kindOrder(kinds: readonly AnyKind[]): KindOrder {
  const names = new Set(kinds.map(({ name }) => name));
  inOrder(kinds.map(({ name, needs }) => ({ id: name, needs: needs.filter((need) => names.has(need)) })));
  const direct = (kind: string) => kinds.filter(({ needs }) => needs.includes(kind)).map(({ name }) => name);
  const nearestNeeding = (kind: string, isStop: (kind: string) => boolean) => {
    const found = new Set(direct(kind));
    // A set is walked in the order of its growth, that which is added meanwhile included.
    for (const name of found) if (!isStop(name)) for (const next of direct(name)) found.add(next);
    return found;
  };
  return { nearestNeeding, needing: (kind) => nearestNeeding(kind, () => false) };
}

function twice(nodes: readonly Node[]): string {
  return nodes.find(({ id }, index) => nodes.findIndex((other) => other.id === id) < index)?.id ?? "";
}
