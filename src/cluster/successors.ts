import type { ManagedGroup } from "./node-groups.ts";

/** A node group that is there. */
export interface StandingNodeGroup {
  readonly name: string;
  readonly desired: number;
  /** Why EKS can neither change it nor bring it in order; undefined: it can. */
  readonly lostBecause?: string;
}

/**
 * A group that lost what it was made of serves on until its nodes go, and then none comes. So another one is made in its place, under
 * another name, since names are there once in EKS, and the lost one goes when that is ready. Once made, it stays under that name. Pure.
 * @returns `groups`, each under the name that it has or gets: no name of the user's has an underscore
 */
export function withSuccessors(
  groups: readonly ManagedGroup[],
  standing: readonly StandingNodeGroup[],
): readonly ManagedGroup[] {
  return groups.map((group) => {
    const mine = standing
      .map((one) => ({ ...one, number: numberOf(one.name, group.name) }))
      .filter(({ number }) => number > 0)
      .sort((one, other) => one.number - other.number);
    const whole = mine.find(({ lostBecause }) => lostBecause === undefined);
    const last = mine.at(-1);
    if (whole) return { ...group, name: whole.name };
    if (last?.lostBecause === undefined) return group;
    const { name, desired, number, lostBecause: cause } = last;
    return { ...group, name: `${group.name}_${number + 1}`, replaces: { name, cause, desired } };
  });
}

/** @returns 1 for the group itself, 2 for `NAME_2` and so on; 0: it is another one */
function numberOf(name: string, of: string): number {
  if (name === of) return 1;
  const rest = name.startsWith(`${of}_`) ? name.slice(of.length + 1) : "";
  return /^[1-9]\d*$/.test(rest) ? Number(rest) : 0;
}
