import { expect, test } from "vitest";
import { restartDelayMs } from "../../../../src/environments/local/replicas/restart-delay.ts";

test("a replica that never was ready waits longer each time, a minute at most", () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((failures) => restartDelayMs(failures, 0));
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("one that had been ready comes back at once, then waits too", () => {
  expect([1, 2, 3].map((failures) => restartDelayMs(failures, 500))).toEqual([0, 1_000, 2_000]);
});

test("a minute of good life forgives what was before", () => {
  expect(restartDelayMs(9, 60_000)).toBe(0);
});
