import { expect, test } from "vitest";
import { nearest } from "../../src/spec/nearest.ts";

const keys = ["min_replicas", "max_replicas", "init_replicas", "window", "target_in_flight", "cpu"];

test.each([
  ["max_replica", "max_replicas"],
  ["maxReplicas", "max_replicas"],
  ["max-replicas", "max_replicas"],
  ["MAX_REPLICAS", "max_replicas"],
  ["min_repilcas", "min_replicas"],
  ["widnow", "window"],
  ["cpus", "cpu"],
  ["target", "target_in_flight"],
  ["memory", undefined],
  ["xyz", undefined],
  ["", undefined],
])("%j is nearest to %j", (text, wanted) => {
  expect(nearest(text, keys)).toBe(wanted);
});

test("nothing is near where there is nothing", () => {
  expect(nearest("a", [])).toBeUndefined();
});
