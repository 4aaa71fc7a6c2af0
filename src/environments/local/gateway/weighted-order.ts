/**
 * Spreads turns over choices as evenly as their weights allow: the choice that is furthest behind its share is next, the
 * earlier one among equals. Taken round and round, any run of as many turns as the weights sum up to holds each choice
 * exactly as often as its weight says.
 * @param weights whole numbers of 0 or more
 * @returns indices of `weights`, one per turn; empty when all weights are 0
 */
export function weightedOrder(weights: readonly number[]): readonly number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  if (divisor === 0) return [];
  const shares = weights.map((weight) => weight / divisor);
  const turns = shares.reduce((sum, share) => sum + share, 0);
  const behind = shares.map(() => 0);
  return Array.from({ length: turns }, () => {
    shares.forEach((share, index) => {
      behind[index]! += share;
    });
    const next = behind.indexOf(Math.max(...behind));
    behind[next]! -= turns;
    return next;
  });
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
