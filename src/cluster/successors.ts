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
    const lost = mine.findLast(({ lostBecause }) => lostBecause !== undefined);
    if (!lost) return whole ? { ...group, name: whole.name } : group;
    const { desired, lostBecause: cause = "" } = lost;
    // One that never came to be is made again, as large as the first time.
    const name = whole?.name ?? `${group.name}_${lost.number + 1}`;
    return { ...group, name, replaces: { name: lost.name, cause, desired } };
  });
}

/** @returns 1 for the group itself, 2 for `NAME_2` and so on; 0: it is another one */
function numberOf(name: string, of: string): number {
  if (name === of) return 1;
  const rest = name.startsWith(`${of}_`) ? name.slice(of.length + 1) : "";
  return /^[1-9]\d*$/.test(rest) ? Number(rest) : 0;
}
