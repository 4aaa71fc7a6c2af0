import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { compareVersions, testedVersions } from "../../src/packages/tested-versions.ts";

test("versions compare by their numbers", () => {
  expect(compareVersions("0.9", "0.27")).toBeLessThan(0);
  expect(compareVersions("1.0", "1")).toBe(0);
  expect(compareVersions("1.0.1rc1", "1.0")).toBeGreaterThan(0);
});

test("the ranges are those that the runtime holds to", async () => {
  const file = resolve(import.meta.dirname, "../../src/runtime/cortex_runtime/versions.py");
  const source = await readFile(file, "utf8");
  const ranges = [...source.matchAll(/"(\w+)": \(\(([\d, ]+)\), \(([\d, ]+)\)\)/g)];
  const asText = (numbers: string) =>
    numbers
      .split(",")
      .map((part) => part.trim())
      .filter(Boolean)
      .join(".");
  const found = ranges.map(([, name, from, below]) => [name, { from: asText(from!), below: asText(below!) }]);
  expect(Object.fromEntries(found)).toEqual(testedVersions);
});
