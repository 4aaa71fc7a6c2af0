import { expect, test } from "vitest";
import { afterWalkEvent, plainWalkLine, type WalkState, walkLines } from "../../src/cli/render/walk-state.ts";
import type { PlannedChange, WalkEvent } from "../../src/core/graph/plan.ts";

const minuteMs = 60_000;
const change = (id: string, title: string, expectedMs: number, needs: readonly string[] = []): PlannedChange => ({
  id,
  title,
  action: "create",
  differences: [],
  needs,
  expectedMs,
});
const changes = [
  change("vpc", "VPC", 1_000),
  change("nat-gateway/us-east-1a", "NAT gateway", 1.5 * minuteMs, ["vpc"]),
  change("control-plane", "control plane", 9 * minuteMs, ["vpc"]),
  change("node-group/cpu", "node group", 2.5 * minuteMs, ["control-plane", "nat-gateway/us-east-1a"]),
];
const event = (id: string, phase: WalkEvent["phase"], detail?: string, elapsedMs = 0): WalkEvent => ({
  id,
  title: changes.find((one) => one.id === id)?.title ?? id,
  action: "create",
  phase,
  elapsedMs,
  ...(detail !== undefined && { detail }),
});

test("each resource at work has a line, below how far it is and what still takes longest", () => {
  let state: WalkState = { changes, shown: [] };
  expect(walkLines(state, 0)).toEqual([]);
  state = after(state, event("vpc", "running"), 0);
  state = after(state, event("vpc", "done"), 2_000);
  state = after(state, event("control-plane", "running"), 2_000);
  state = after(state, event("nat-gateway/us-east-1a", "running", "pending"), 3_000);
  expect(walkLines(state, 2_000 + 2 * minuteMs + 5_000)).toEqual([
    "1 of 4 done, about 9 minutes left: control plane, node group cpu",
    "  control plane           creating   2m05s",
    "  NAT gateway us-east-1a  creating   2m04s   pending",
  ]);
});

test("what failed stays, before all others", () => {
  let state: WalkState = { changes, shown: [] };
  state = after(state, event("control-plane", "running"), 0);
  state = after(state, event("nat-gateway/us-east-1a", "failed", "no address\nleft"), 5_000);
  expect(walkLines(state, 61_000).slice(1)).toEqual([
    "  NAT gateway us-east-1a  failed     0.0s    no address left",
    "  control plane           creating   1m01s",
  ]);
});

test("a log has a line for what is done, and one for the beginning of what takes long", () => {
  const state: WalkState = { changes, shown: [] };
  expect(plainWalkLine(state, event("vpc", "running"))).toBeUndefined();
  expect(plainWalkLine(state, event("vpc", "done", undefined, 1_234))).toBe("VPC: created (1.2s)");
  const begins = event("control-plane", "running");
  expect(plainWalkLine(state, begins)).toBe("control plane: creating");
  expect(plainWalkLine(after(state, begins, 0), event("control-plane", "running", "CREATING"))).toBeUndefined();
  expect(plainWalkLine(state, event("node-group/cpu", "blocked", "because of control plane"))).toBe(
    "node group cpu: not begun (because of control plane)",
  );
});

function after(state: WalkState, one: WalkEvent, now: number): WalkState {
  return afterWalkEvent(state, one, now);
}
