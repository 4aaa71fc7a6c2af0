import { expect, test } from "vitest";
import type { ReplicaState } from "../../../../src/core/environment.ts";
import { statusOf } from "../../../../src/environments/local/agent/api-status.ts";

const replica = (more: Partial<ReplicaState> = {}): ReplicaState => ({
  id: "r1",
  revision: 1,
  phase: "ready",
  since: 0,
  restarts: 0,
  ...more,
});

test("an update is updating, whatever its replicas do", () => {
  expect(statusOf({ target: "rolling", requested: 1, replicas: [replica()] }).code).toBe("status_updating");
});

test("a failed update is an error with its cause, also while the older revision serves", () => {
  const failure = { message: "no such weights", outOfMemory: false };
  expect(statusOf({ target: "failed", failure, requested: 1, replicas: [replica()] })).toEqual({
    code: "status_error",
    message: "no such weights",
  });
  const outOfMemory = { message: "out of memory", outOfMemory: true };
  expect(statusOf({ target: "failed", failure: outOfMemory, requested: 1, replicas: [] }).code).toBe(
    "status_error_oom",
  );
});

test("an API that is scaled to zero is live", () => {
  expect(statusOf({ target: "live", requested: 0, replicas: [] }).code).toBe("status_live");
});

test("an API whose every replica crashes is an error; with one that serves it is live and says so", () => {
  const crashed = replica({ id: "r2", phase: "failed", reason: "exited with status 3" });
  expect(statusOf({ target: "live", requested: 1, replicas: [crashed] })).toEqual({
    code: "status_error",
    message: "replica r2: exited with status 3",
  });
  expect(statusOf({ target: "live", requested: 2, replicas: [replica(), crashed] })).toEqual({
    code: "status_live",
    message: "replica r2: exited with status 3",
  });
  const killed = replica({ phase: "failed", reason: "out of memory", outOfMemory: true });
  expect(statusOf({ target: "live", requested: 1, replicas: [killed] }).code).toBe("status_error_oom");
});
