import type { ResourceKind, States, Wanted } from "./resource.ts";

/** What was asked for is not there yet: it is made by the plan, and its state is known then. */
export class NotYet extends Error {
  readonly id: string;
  /** Of its kind, for people. */
  readonly title: string;

  constructor(id: string, title: string) {
    super(`${id} is not there yet`);
    this.name = "NotYet";
    this.id = id;
    this.title = title;
  }
}

/**
 * @param all that is wanted, in the order of the wish
 * @param needs ids that `id` needs, directly and through others
 * @param known states by id; asked each time anew
 * @returns the states that `id` may see; NotYet is thrown for one that `known` does not hold
 */
export function statesFor(
  id: string,
  all: readonly Wanted[],
  needs: ReadonlySet<string>,
  known: ReadonlyMap<string, unknown>,
): States {
  const kinds = new Map(all.map((wanted) => [wanted.id, wanted.kind.name]));
  const of = <State>(kind: ResourceKind<never, State>, needed: string): State => {
    if (!needs.has(needed)) throw new Error(`${id} asks for ${needed}, which it does not need`);
    if (kinds.get(needed) !== kind.name) throw new Error(`${id} asks for ${needed} as a ${kind.name}, which it is not`);
    if (!known.has(needed)) throw new NotYet(needed, kind.title);
    return known.get(needed) as State;
  };
  return {
    of,
    all: (kind) => all.filter((wanted) => wanted.kind.name === kind.name).map((wanted) => of(kind, wanted.id)),
  };
}
