import { expect, test } from "vitest";
import { criticalPath } from "../../../src/core/graph/critical-path.ts";
import type { PlannedChange } from "../../../src/core/graph/plan.ts";

const change = (id: string, expectedMs: number, needs: readonly string[] = []): PlannedChange => ({
  id,
  title: id,
  action: expectedMs > 0 ? "create" : "keep",
  differences: [],
  needs,
  expectedMs,
});

test("the chain that takes longest is found through what takes no time", () => {
  const changes = [
    change("vpc", 2),
    change("nat", 90, ["vpc"]),
    change("role", 0),
    change("control plane", 540, ["vpc", "role"]),
    change("subnets", 0, ["control plane"]),
    change("nodes", 150, ["subnets", "nat"]),
  ];
  expect(criticalPath(changes)).toEqual({ ids: ["vpc", "control plane", "nodes"], ms: 692 });
});

test("what is still left is told by how long each still takes", () => {
  const changes = [change("a", 100), change("b", 30), change("c", 10, ["b"])];
  const left = criticalPath(changes, ({ id, expectedMs }) => (id === "a" ? 5 : expectedMs));
  expect(left).toEqual({ ids: ["b", "c"], ms: 40 });
});

test("nothing to do takes no time", () => {
  expect(criticalPath([])).toEqual({ ids: [], ms: 0 });
  expect(criticalPath([change("a", 0)])).toEqual({ ids: [], ms: 0 });
});
