import { expect, test } from "vitest";
import { interleave, median, pairedRatios, quantile, showSummary, summarise } from "./stats.ts";

test("the median of an even number of values lies between the two in the middle", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test("a quantile between two values is interpolated", () => {
  expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
  expect(quantile([5], 0.99)).toBe(5);
});

test("no measurement is an error, not a zero", () => {
  expect(() => summarise([])).toThrow("nothing was measured");
});

test("ratios are taken round by round", () => {
  expect(pairedRatios([2, 40], [1, 10])).toEqual([2, 4]);
});

test("a summary shows the median and the spread, one sample only itself", () => {
  expect(showSummary([1000, 1200, 1100])).toBe("1,100 (1,000 to 1,200)");
  expect(showSummary([1.25], 2)).toBe("1.25");
});

test("every round begins with another subject", async () => {
  const order: string[] = [];
  const note = (name: string) => async (round: number) => {
    order.push(name);
    return `${name}${round}`;
  };
  const measured = await interleave(3, { a: note("a"), b: note("b") }, new AbortController().signal);
  expect(order.join("")).toBe("abbaab");
  expect(measured).toEqual({ a: ["a0", "a1", "a2"], b: ["b0", "b1", "b2"] });
});

test("an abort ends the measuring before the next subject", async () => {
  const stop = new AbortController();
  const abort = async () => stop.abort();
  await expect(interleave(3, { abort }, stop.signal)).rejects.toThrow();
});
