import { exchangedAtOnce } from "../resources/node-group.ts";
import type { Prices } from "./read-prices.ts";
import { instancePerHour, type Running } from "./running-cost.ts";

export interface ExchangedGroup {
  /** In EKS. */
  readonly name: string;
  /** How many it has its nodes in. */
  readonly zones: number;
}

/**
 * Pure. Nodes are exchanged new ones first: EKS lets a group grow by twice as many as it has zones, or by as many as it takes away at
 * a time where those are more.
 * @returns what that comes to, where there are nodes
 */
export function exchangeWarnings(
  groups: readonly ExchangedGroup[],
  { instances }: Pick<Running, "instances">,
  prices: Prices,
): readonly string[] {
  const more = groups.flatMap(({ name, zones }) => {
    const own = instances.filter(({ nodeGroup }) => nodeGroup === name);
    const [first] = own;
    const count = Math.max(2 * zones, Math.ceil((own.length * exchangedAtOnce) / 100));
    return first ? [{ count, perHour: (instancePerHour(first, prices) ?? 0) * count }] : [];
  });
  if (more.length === 0) return [];
  const count = more.reduce((sum, one) => sum + one.count, 0);
  const perHour = more.reduce((sum, one) => sum + one.perHour, 0);
  const cost = perHour === 0 ? "" : `, which cost $${perHour.toFixed(2)} per hour`;
  return [`until all nodes are exchanged there may be ${count} more of them${cost}`];
}
