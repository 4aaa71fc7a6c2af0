/** `npm run test:faults` tries every case; else a sample of them, the same one for the same CORTEX_TEST_SEED. */
export const isWhole = process.env.MODE === "all-faults";

/** Real milliseconds for a case of seconds, also on a machine that is busy with much else: only what hangs meets it. */
export const timeout = 30 * 60_000;

const seed = Number(process.env.CORTEX_TEST_SEED ?? 1);

/** @returns all cases, or so many of them, in their order */
export function choose<Case>(cases: readonly Case[], count: number): readonly Case[] {
  if (isWhole || cases.length <= count) return cases;
  const random = generator(seed);
  const keyed = cases.map((one, index) => ({ one, index, key: random() }));
  const chosen = keyed.sort((a, b) => a.key - b.key).slice(0, count);
  return chosen.sort((a, b) => a.index - b.index).map(({ one }) => one);
}

/** @returns all of them, in order, in groups of `size` but for the last */
export function inGroups<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}

/** Numbers from 0 to 1, the same ones for the same seed. */
function generator(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
