/** @returns the least multiple of `to` from `offset` on */
export function align(offset: number, to: number): number {
  return Math.ceil(offset / to) * to;
}
