import type { PlannedChange } from "./plan.ts";

export interface Chain {
  /** First to last; empty when nothing takes time. */
  readonly ids: readonly string[];
  readonly ms: number;
}

/**
 * @param changes each after those that it needs
 * @param msOf how long one takes, or still takes
 * @returns the chain of changes that takes longest: all together take as long, if enough is done at once
 */
export function criticalPath(
  changes: readonly PlannedChange[],
  msOf: (change: PlannedChange) => number = ({ expectedMs }) => expectedMs,
): Chain {
  const nothing: End = { ms: 0 };
  const ends = new Map<string, End>();
  let longest = nothing;
  for (const change of changes) {
    const before = change.needs.map((need) => ends.get(need) ?? nothing).reduce(longer, nothing);
    const ms = msOf(change);
    const end: End = ms > 0 ? { ms: before.ms + ms, id: change.id, before } : before;
    ends.set(change.id, end);
    longest = longer(longest, end);
  }
  return { ids: idsOf(longest), ms: longest.ms };
}

interface End {
  readonly ms: number;
  readonly id?: string;
  readonly before?: End;
}

function longer(one: End, other: End): End {
  return other.ms > one.ms ? other : one;
}

function idsOf(end: End): readonly string[] {
  const ids: string[] = [];
  for (let at: End | undefined = end; at; at = at.before) if (at.id !== undefined) ids.unshift(at.id);
  return ids;
}
