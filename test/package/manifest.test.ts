import { describe, expect, test } from "vitest";
import { type Manifest, mergeManifest } from "../../scripts/package/manifest.ts";
import { parseTargets, targets } from "../../scripts/package/targets.ts";

const manifest = (build: string, names: readonly string[], size = 1): Manifest => ({
  version: "1.0.0",
  build,
  node: "26.10.0",
  targets: names.map((target) => ({
    target,
    file: `package/${target}/cortex`,
    size,
    sha256: "00",
    hasCodeCaches: true,
  })),
});
const names = ({ targets }: Manifest) => targets.map(({ target }) => target);

describe("the manifest of what was packaged", () => {
  test("keeps targets of the same build that were packaged before", () => {
    const merged = mergeManifest(
      manifest("a", ["win-x64", "linux-x64"]),
      manifest("a", ["darwin-x64", "linux-x64"], 2),
    );
    expect(names(merged)).toEqual(["darwin-x64", "linux-x64", "win-x64"]);
    expect(merged.targets.map(({ size }) => size)).toEqual([2, 2, 1]);
  });

  test("forgets those of another build", () => {
    expect(names(mergeManifest(manifest("a", ["win-x64"]), manifest("b", ["linux-x64"])))).toEqual(["linux-x64"]);
    expect(names(mergeManifest(undefined, manifest("b", ["linux-x64"])))).toEqual(["linux-x64"]);
  });
});

test("targets are chosen by name, or all", () => {
  expect(parseTargets("all")).toBe(targets);
  expect(parseTargets("win-x64,linux-arm64").map(({ name }) => name)).toEqual(["win-x64", "linux-arm64"]);
  expect(() => parseTargets("linux")).toThrow("no target is called linux: there are all, linux-x64");
});
