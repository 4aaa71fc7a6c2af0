/** Times between two bounds share a bucket; bounds grow by this, so that a bucket's middle is within 4 % of all in it. */
const growth = 1.08;
const logGrowth = Math.log(growth);
const smallestMs = 0.01;
/** Reaches beyond ten hours. */
const buckets = 290;
const windowSeconds = 60;

/** The last minute of durations, second by second. Memory is fixed (70 KB), however many there are. */
export class LatencyWindow {
  private readonly counts = new Uint32Array(windowSeconds * buckets);
  private readonly totals = new Uint32Array(windowSeconds);
  /** The second that each slot holds. */
  private readonly seconds = new Float64Array(windowSeconds).fill(Number.NEGATIVE_INFINITY);

  /** @param now milliseconds on any clock that does not run backwards */
  record(now: number, durationMs: number): void {
    const second = Math.floor(now / 1000);
    const slot = second % windowSeconds;
    if (this.seconds[slot] !== second) {
      this.seconds[slot] = second;
      this.totals[slot] = 0;
      this.counts.fill(0, slot * buckets, (slot + 1) * buckets);
    }
    this.totals[slot]!++;
    this.counts[slot * buckets + bucketOf(durationMs)]!++;
  }

  /** How many were recorded in the last minute. */
  count(now: number): number {
    let count = 0;
    for (const slot of this.liveSlots(now)) count += this.totals[slot]!;
    return count;
  }

  /**
   * @param share 0.5 for the median
   * @returns milliseconds, within 4 % of the duration at that rank; undefined when the last minute has none
   */
  quantileMs(now: number, share: number): number | undefined {
    const slots = this.liveSlots(now);
    const rank = Math.max(1, Math.ceil(share * this.count(now)));
    let seen = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      for (const slot of slots) seen += this.counts[slot * buckets + bucket]!;
      if (seen >= rank) return middleOf(bucket);
    }
    return undefined;
  }

  private liveSlots(now: number): number[] {
    const second = Math.floor(now / 1000);
    const slots: number[] = [];
    for (let slot = 0; slot < windowSeconds; slot++) {
      const age = second - this.seconds[slot]!;
      if (age >= 0 && age < windowSeconds) slots.push(slot);
    }
    return slots;
  }
}

function bucketOf(durationMs: number): number {
  if (!(durationMs > smallestMs)) return 0;
  return Math.min(buckets - 1, Math.ceil(Math.log(durationMs / smallestMs) / logGrowth));
}

function middleOf(bucket: number): number {
  return bucket === 0 ? smallestMs : smallestMs * growth ** (bucket - 0.5);
}
