import type { NodeGroup } from "./system-group.ts";

export type Market = "on-demand" | "spot";

export interface Share {
  readonly market: Market;
  /** Instances. */
  readonly min: number;
  readonly max: number;
}

/** Pure. @returns how many instances of a group are on demand and how many on the spot market, at its smallest and largest */
export function sharesOf(group: NodeGroup): readonly Share[] {
  const { spot, min_instances: min, max_instances: max, spot_config: config } = group;
  if (!spot) return [{ market: "on-demand", min, max }];
  const base = config?.on_demand_base_capacity ?? 0;
  const percentage = config?.on_demand_percentage_above_base_capacity ?? 0;
  const onDemand = (all: number) => {
    const certain = Math.min(base, all);
    return certain + Math.ceil(((all - certain) * percentage) / 100);
  };
  const shares: readonly Share[] = [
    { market: "on-demand", min: onDemand(min), max: onDemand(max) },
    { market: "spot", min: min - onDemand(min), max: max - onDemand(max) },
  ];
  return shares.filter((share) => share.max > 0);
}
