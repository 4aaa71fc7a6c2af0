import fc from "fast-check";
import { expect, test } from "vitest";
import { weightedOrder } from "../../../../src/environments/local/gateway/weighted-order.ts";

const percents = fc
  .array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 8 })
  .map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), 100])
  .map((cuts) => cuts.slice(1).map((cut, index) => cut - cuts[index]!));

test("turns alternate as evenly as the weights allow", () => {
  expect(weightedOrder([50, 50])).toEqual([0, 1]);
  expect(weightedOrder([75, 25])).toEqual([0, 0, 1, 0]);
  expect(weightedOrder([100, 0])).toEqual([0]);
  expect(weightedOrder([0, 0])).toEqual([]);
});

test("any hundred turns in a row are exactly the weights", () => {
  fc.assert(
    fc.property(percents, fc.nat(500), (weights, start) => {
      const order = weightedOrder(weights);
      const counts = weights.map(() => 0);
      for (let turn = start; turn < start + 100; turn += 1) counts[order[turn % order.length]!]! += 1;
      expect(counts).toEqual(weights);
    }),
  );
});

test("with two choices, no run of turns is off its share by a whole turn", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), (weight) => {
      const order = weightedOrder([weight, 100 - weight]);
      let given = 0;
      order.forEach((choice, turn) => {
        given += choice === 0 ? 1 : 0;
        expect(Math.abs(given - ((turn + 1) * weight) / 100)).toBeLessThan(1);
      });
    }),
  );
});
