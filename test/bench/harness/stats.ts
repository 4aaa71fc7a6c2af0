/** What repeated measurements of one thing say: the median, and how far they spread. */
export interface Summary {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly samples: number;
}

/** @throws when there is no value */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error("nothing was measured");
  return {
    median: quantile(values, 0.5),
    lowest: Math.min(...values),
    highest: Math.max(...values),
    samples: values.length,
  };
}

export function median(values: readonly number[]): number {
  return summarise(values).median;
}

/** @param share 0 to 1; between two values it is interpolated. Not a number when there is no value */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/**
 * How many times `one` is as large as `other`, round by round: what slows the whole machine down for a while slows both
 * measurements of that round, and drops out.
 */
export function pairedRatios(one: readonly number[], other: readonly number[]): readonly number[] {
  return one.map((value, round) => value / other[round]!);
}

/** How much larger `one` is than `other`, round by round. */
export function pairedDifferences(one: readonly number[], other: readonly number[]): readonly number[] {
  return one.map((value, round) => value - other[round]!);
}

/** "1,940 (1,833-2,071)": the median, then lowest and highest. */
export function showSummary(values: readonly number[], digits = 0): string {
  const { median, lowest, highest, samples } = summarise(values);
  const show = (value: number) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return samples === 1 ? show(median) : `${show(median)} (${show(lowest)} to ${show(highest)})`;
}

/**
 * Measures every subject once per round, each round beginning with the next one, so that none always comes first.
 * @returns per subject its measurements in the order of the rounds
 */
export async function interleave<Name extends string, T>(
  rounds: number,
  subjects: Readonly<Record<Name, (round: number) => Promise<T>>>,
  signal: AbortSignal,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(subjects) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      signal.throwIfAborted();
      const name = names[(round + turn) % names.length]!;
      measured[name].push(await subjects[name](round));
    }
  }
  return measured;
}
