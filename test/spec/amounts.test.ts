import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDuration, parseQuantity, showBytes, showDuration } from "../../src/spec/shape/amounts.ts";

describe("quantities", () => {
  test.each<[text: string, shift: number, value: number | undefined]>([
    ["200m", 3, 200],
    ["0.5", 3, 500],
    [".5", 3, undefined],
    ["1.", 3, 1000],
    ["2", 3, 2000],
    ["1e3", 3, 1_000_000],
    ["1.1", 3, 1100],
    ["0.0001", 3, 1],
    ["100u", 3, 1],
    ["1", 0, 1],
    ["512Mi", 0, 536_870_912],
    ["1.5Gi", 0, 1_610_612_736],
    ["1G", 0, 1_000_000_000],
    ["1k", 0, 1000],
    ["1Ki", 0, 1024],
    ["128974848", 0, 128_974_848],
    ["129e6", 0, 129_000_000],
    ["123456789012345678901234567890", 0, undefined],
    ["9999P", 0, undefined],
    ["512MB", 0, undefined],
    ["-1", 0, undefined],
    ["", 0, undefined],
    ["Mi", 0, undefined],
    ["1 Mi", 0, undefined],
    ["0x10", 0, undefined],
  ])("%s shifted by %d is %s", (text, shift, value) => {
    expect(parseQuantity(text, shift)).toBe(value);
  });

  test("are exact for any number of thousandths", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000_000 }), (millis) => {
        expect(parseQuantity(`${millis}m`, 3)).toBe(millis);
        expect(parseQuantity((millis / 1000).toFixed(3), 3)).toBe(millis);
      }),
    );
  });

  test("are shown in the largest unit that fits", () => {
    expect([20 * 2 ** 20, 2 ** 30, 1536, 1000].map(showBytes)).toEqual(["20Mi", "1Gi", "1536 bytes", "1000 bytes"]);
  });
});

describe("durations", () => {
  test.each<[text: string, ms: number | undefined]>([
    ["60s", 60_000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["2h", 7_200_000],
    ["100ms", 100],
    ["500us", 0.5],
    ["500µs", 0.5],
    ["0", 0],
    ["0s", 0],
    ["60", undefined],
    ["5 m", undefined],
    ["-5m", undefined],
    ["m", undefined],
    ["1d", undefined],
    ["", undefined],
    [`${"1h".repeat(60)}`, undefined],
  ])("%s is %s ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test("that are shown are read back as they were", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000 }), (ms) => {
        expect(parseDuration(showDuration(ms))).toBe(ms);
      }),
    );
  });
});
