import type { DownOutcome, Leftover } from "../../core/cloud-cluster.ts";
import type { AnyKind } from "../../core/graph/resource.ts";
import {
  doubtfulVolumes,
  findLeftovers,
  type LeftoverPrice,
  type LeftoverPriceKey,
  leftoversOfKinds,
} from "../leftovers.ts";
import { priceCacheIn } from "../prices/price-cache.ts";
import { readPrices } from "../prices/read-prices.ts";
import type { DownWork } from "./plan-removal.ts";

/** Looks for what is still there when all should be gone. Prices are asked for only when there is something that has one. */
export async function sweep(
  { kinds, kept }: DownWork,
  home: string,
  signal: AbortSignal,
): Promise<Pick<DownOutcome, "left" | "kept">> {
  const { context } = kinds;
  const isKept = ({ name }: AnyKind) => kept.includes(name);
  const gone = kinds.all.filter((kind) => !isKept(kind));
  const place = { aws: context.aws, home };
  const [found, stayed, doubtful] = await Promise.all([
    priced((perHour) => findLeftovers({ context, kinds: gone, perHour }, signal), place, signal),
    priced((perHour) => leftoversOfKinds(kinds.all.filter(isKept), perHour, signal), place, signal),
    priced((perHour) => doubtfulVolumes(context, perHour, signal), place, signal),
  ]);
  // A disk may bear our tags, too, by which it is found again.
  const isStaying = new Set(stayed.map(({ label }) => label));
  return { left: found.filter(({ label }) => !isStaying.has(label)), kept: [...stayed, ...doubtful] };
}

async function priced(
  find: (perHour: LeftoverPrice) => Promise<readonly Leftover[]>,
  { aws, home }: { readonly aws: DownWork["kinds"]["context"]["aws"]; readonly home: string },
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const keys = new Set<LeftoverPriceKey>();
  const found = await find((key) => {
    keys.add(key);
    return undefined;
  });
  if (keys.size === 0) return found;
  const question = { aws, cache: priceCacheIn(home), keys: [...keys], spot: { types: [], zones: [] } };
  const prices = await readPrices(question, signal);
  return find((key) => prices.perHour(key));
}
