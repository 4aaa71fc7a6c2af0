import { describe, expect, test } from "vitest";
import type { Anchor } from "../../../src/environments/kubernetes/anchor.ts";
import { apiState, type Observed } from "../../../src/environments/kubernetes/api-states.ts";
import type { Pod } from "../../../src/environments/kubernetes/shapes.ts";
import { isUnderWay } from "../../../src/environments/kubernetes/under-way.ts";
import { anchor, container, deployment, now, pod } from "./support/cluster-objects.ts";

const stateOf = (observed: Partial<Observed>) =>
  apiState({
    anchor: anchor(2, { serving: 2 }),
    deployment: deployment({ revision: 2 }),
    pods: [pod({ revision: 2, isReady: true })],
    endpoint: "http://gateway.example.com/iris",
    namespace: "models",
    ...observed,
  });

const crashing = (revision: number, reason?: string): Pod =>
  pod({
    name: "iris-b",
    revision,
    containers: [container({ state: { terminated: { exitCode: 1, ...(reason !== undefined && { reason }) } } })],
  });

describe("the status of an API", () => {
  test("is live with all its replicas, and counts them", () => {
    expect(stateOf({})).toMatchObject({
      status: { code: "status_live" },
      serving: 2,
      requested: 1,
      ready: 1,
      upToDate: 1,
      endpoint: "http://gateway.example.com/iris",
      notices: [],
    });
  });

  test("is updating while replicas of an older revision serve", () => {
    const observed = {
      deployment: deployment({ revision: 2, available: 0, all: 2 }),
      pods: [pod({ revision: 1, isReady: true })],
    };
    expect(stateOf(observed)).toMatchObject({ status: { code: "status_updating" }, serving: 1, ready: 1, upToDate: 0 });
  });

  test("is an error when the wanted revision failed, whatever serves, until it is live after all", () => {
    const failure = { code: "ROLLOUT_FAILED", message: "iris: it ended", at: "" } as const;
    const failed: Anchor = anchor(2, { serving: 1, failure });
    const back = {
      anchor: failed,
      deployment: deployment({ revision: 1 }),
      pods: [pod({ revision: 1, isReady: true })],
    };
    expect(stateOf(back)).toMatchObject({ status: { code: "status_error", message: "iris: it ended" }, serving: 1 });
    expect(stateOf({ ...back, anchor: anchor(2, { failure: { ...failure, outOfMemory: true } }) }).status.code).toBe(
      "status_error_oom",
    );
    expect(stateOf({ ...back, anchor: anchor(2, { failure: { ...failure, code: "NO_CAPACITY" } }) }).status.code).toBe(
      "status_compute_unavailable",
    );
    expect(stateOf({ anchor: failed }).status.code).toBe("status_live");
    const stopped = { anchor: anchor(1, { failure }), deployment: deployment({ revision: 1, wanted: 0 }), pods: [] };
    expect(stateOf(stopped)).not.toHaveProperty("serving");
    expect(stateOf(stopped).status.code).toBe("status_error");
  });

  test("tells of replicas in trouble though nobody watches the rollout", () => {
    const rolling = deployment({ revision: 2, available: 0 });
    expect(stateOf({ deployment: rolling, pods: [crashing(2)] }).status).toEqual({
      code: "status_error",
      message: "replica iris-b: container api ended with exit status 1",
    });
    expect(stateOf({ deployment: rolling, pods: [crashing(2, "OOMKilled")] }).status.code).toBe("status_error_oom");
    expect(stateOf({ deployment: rolling, pods: [crashing(1)] }).status.code).toBe("status_updating");
  });

  test("stays live while one of several replicas comes back, and says so", () => {
    const observed = {
      deployment: deployment({
        revision: 2,
        wanted: 2,
        available: 1,
        conditions: [{ type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" }],
      }),
      pods: [pod({ revision: 2, isReady: true }), crashing(2)],
    };
    expect(stateOf(observed).status).toEqual({
      code: "status_live",
      message: "replica iris-b: container api ended with exit status 1",
    });
  });

  test("is live with no replica at all when it is scaled to zero", () => {
    expect(stateOf({ deployment: deployment({ revision: 2, wanted: 0 }), pods: [] })).toMatchObject({
      status: { code: "status_live" },
      serving: 2,
      requested: 0,
    });
  });

  test("without a Gateway the endpoint is the Service's, and a note says how to reach it", () => {
    const state = stateOf({ endpoint: undefined });
    expect(state.endpoint).toBe("http://iris.models");
    expect(state.notices).toEqual([expect.stringContaining("cortex port-forward")]);
  });
});

describe("an update is under way", () => {
  const rolling = deployment({ revision: 2, available: 0 });

  test("while its replicas come, until its time is up or it has failed", () => {
    expect(isUnderWay(anchor(2), rolling, false, now)).toBe(true);
    expect(isUnderWay(anchor(2), rolling, true, now)).toBe(false);
    expect(isUnderWay(anchor(2), rolling, false, now + 3_600_000)).toBe(false);
    expect(isUnderWay(anchor(2, { failure: { code: "FAILED", message: "", at: "" } }), rolling, false, now)).toBe(
      false,
    );
  });

  test("for a minute after its first write, even if nothing followed that", () => {
    const old = deployment({ revision: 1 });
    expect(isUnderWay(anchor(2, { serving: 1 }), old, true, now)).toBe(true);
    expect(isUnderWay(anchor(2, { serving: 1 }), old, true, now + 120_000)).toBe(false);
    expect(isUnderWay(anchor(2), undefined, false, now)).toBe(true);
  });
});
