import { expect, test } from "vitest";
import { afterEvent, noRollouts, plainLine, rolloutLines } from "../../src/cli/render/rollout-state.ts";
import type { ReplicaPhase } from "../../src/core/environment.ts";

const replica = (id: string, phase: ReplicaPhase | "stopped", at = 0, detail?: string) =>
  ({ type: "replica", replica: id, phase, at, ...(detail !== undefined && { detail }) }) as const;

test("each replica has a line with what it does and for how long, in the order in which they came", () => {
  let state = afterEvent(noRollouts, "iris", { type: "accepted", change: "updated", revision: 2 });
  expect(rolloutLines(state, 500)).toEqual(["  iris  waiting"]);
  state = afterEvent(state, "iris", replica("iris-2-b", "preparing packages", 0, "scikit-learn 1.7.2"));
  state = afterEvent(state, "iris", replica("iris-1-a", "draining", 1_000));
  expect(rolloutLines(state, 12_345)).toEqual([
    "  iris-2-b  preparing packages  12s    scikit-learn 1.7.2",
    "  iris-1-a  draining            11s",
  ]);
  state = afterEvent(state, "iris", replica("iris-2-b", "loading", 12_000));
  state = afterEvent(state, "iris", replica("iris-1-a", "stopped", 12_100));
  expect(rolloutLines(state, 12_345)).toEqual(["  iris-2-b  loading             0.3s"]);
});

test("an API that is live has no line any more, while others keep theirs", () => {
  let state = afterEvent(noRollouts, "iris", replica("a", "ready"));
  state = afterEvent(state, "digits", replica("b", "loading"));
  state = afterEvent(state, "iris", { type: "live", revision: 1, endpoint: "http://localhost:8888/iris" });
  expect(rolloutLines(state, 0)).toEqual(["  digits/b  loading             0.0s"]);
});

test("a plain line cannot steer a terminal", () => {
  expect(plainLine("iris", replica("iris-1-a", "failed", 0, "exit 1\n\u001b[31m"))).toBe(
    "iris-1-a: failed (exit 1 [31m)",
  );
});
