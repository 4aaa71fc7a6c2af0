/** How often requests took no longer than `atMost`, e.g. per second; bounds are cumulative. */
export interface Bucket {
  /** Infinity for the last one, which counts all. */
  readonly atMost: number;
  readonly count: number;
}

/**
 * The quantile as Prometheus reckons it: within a bucket, requests are taken to be spread evenly; what is above the highest
 * finite bound is taken for that bound.
 * @param buckets lowest bound first; the first ones may be missing when they hold nothing
 * @param q 0 to 1
 * @returns undefined when nothing was counted
 */
export function quantileOf(buckets: readonly Bucket[], q: number): number | undefined {
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return undefined;
  const rank = q * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const found = buckets[index]!;
  const below = buckets[index - 1];
  if (found.atMost === Number.POSITIVE_INFINITY) return below?.atMost;
  const before = below?.count ?? 0;
  const from = below?.atMost ?? 0;
  return from + ((found.atMost - from) * (rank - before)) / (found.count - before);
}
