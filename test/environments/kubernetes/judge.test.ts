import { describe, expect, test } from "vitest";
import {
  failureError,
  judge,
  type RolloutView,
  type RolloutWanted,
} from "../../../src/environments/kubernetes/judge.ts";
import { annotation } from "../../../src/environments/kubernetes/names.ts";
import { type Pod, timeOf } from "../../../src/environments/kubernetes/shapes.ts";
import { anchor, container, deployment, now, pod, podEvent, record, route } from "./support/cluster-objects.ts";

const wanted: RolloutWanted = {
  api: "iris",
  revision: 2,
  id: record(2).id,
  generation: 3,
  routeGeneration: 1,
  isHandler: true,
};

function judged(view: Partial<RolloutView>, changes: Partial<RolloutWanted> = {}) {
  const whole: RolloutView = {
    anchor: anchor(2),
    deployment: deployment({ revision: 2, available: 0 }),
    pods: [],
    seenAt: new Map((view.pods ?? []).map(({ metadata }) => [metadata.uid!, timeOf(metadata.creationTimestamp)])),
    events: new Map(),
    route: undefined,
    needsRoute: false,
    refusedSince: undefined,
    wasSeen: true,
    now,
    ...view,
  };
  return judge(whole, { ...wanted, ...changes });
}

const eventsOf = (one: Pod, ...reasons: readonly string[]) =>
  new Map([[one.metadata.uid!, reasons.map((reason) => podEvent(one, reason, `${reason} it was`))]]);

describe("a rollout is live", () => {
  test("once every replica is of its revision and available", () => {
    expect(judged({ deployment: deployment({ revision: 2, wanted: 3 }) })).toEqual({ type: "live" });
  });

  test.for([
    ["the controller has not seen the change", deployment({ revision: 2, observed: 2 })],
    ["an old replica is not told to end yet", deployment({ revision: 2, updated: 1, all: 2 })],
    ["a new one is not available", deployment({ revision: 2, wanted: 2, available: 1 })],
    ["the template is still that of another revision", deployment({ revision: 1 })],
  ] as const)("not while %s", ([, one]) => {
    expect(judged({ deployment: one })).toMatchObject({ type: "waiting" });
  });

  test("not before the Gateway has taken its route, and says why it does not", () => {
    const done = { deployment: deployment({ revision: 2 }), needsRoute: true };
    const accepted = { type: "Accepted", status: "True" } as const;
    const resolved = { type: "ResolvedRefs", status: "True" } as const;
    expect(judged(done)).toMatchObject({ type: "waiting" });
    expect(judged({ ...done, route: route(accepted) })).toMatchObject({ type: "waiting" });
    expect(judged({ ...done, route: route(accepted, resolved) })).toEqual({ type: "live" });
    expect(judged({ ...done, route: route(accepted, resolved) }, { routeGeneration: 2 })).toMatchObject({
      type: "waiting",
    });
    const refused = route({ type: "Accepted", status: "False", message: "no listener allows it" });
    expect(judged({ ...done, route: refused })).toEqual({
      type: "waiting",
      detail: "the Gateway does not take its route: no listener allows it",
    });
    expect(judged({ ...done, route: refused, refusedSince: now - 60_000 })).toMatchObject({
      type: "failed",
      failure: { code: "CLUSTER_REFUSED", reason: "the Gateway does not take its route: no listener allows it" },
    });
  });
});

describe("a rollout is superseded", () => {
  test("by a newer revision, and by a deletion", () => {
    expect(judged({ anchor: anchor(3) })).toMatchObject({ type: "superseded" });
    expect(judged({ anchor: anchor(2, { isBeingDeleted: true }) })).toMatchObject({ type: "superseded" });
    expect(judged({ anchor: undefined })).toMatchObject({ type: "superseded" });
  });

  test("by an older number, once its own was seen: it was deleted and deployed anew", () => {
    expect(judged({ anchor: anchor(1) })).toMatchObject({ type: "superseded" });
  });

  test("by another content under the same number: it was deleted and made anew", () => {
    expect(judged({ anchor: anchor(2, { record: record(2, { id: "other" }) }) })).toMatchObject({ type: "superseded" });
  });

  test("not by what a watch has not seen yet", () => {
    expect(judged({ anchor: undefined, wasSeen: false })).toMatchObject({ type: "waiting" });
    expect(judged({ anchor: anchor(1), wasSeen: false })).toMatchObject({ type: "waiting" });
  });
});

describe("a rollout fails", () => {
  const failureOf = (view: Partial<RolloutView>, changes?: Partial<RolloutWanted>) => {
    const verdict = judged(view, changes);
    return verdict.type === "failed" ? verdict.failure : undefined;
  };
  const ended = (exitCode: number, more: object = {}) => ({ terminated: { exitCode, ...more } });

  test("when a handler's process ends, with its own last words", () => {
    const crashed = pod({
      revision: 2,
      containers: [container({ state: ended(1, { message: "ValueError: no such weights" }) })],
    });
    const failure = failureOf({ pods: [crashed] })!;
    expect(failure).toMatchObject({ code: "ROLLOUT_FAILED", reason: "container api ended with exit status 1" });
    const error = failureError("iris", failure, 1, undefined);
    expect(error.message).toBe("iris: replica iris-a: container api ended with exit status 1; revision 1 serves on");
    expect(error.details).toBe("ValueError: no such weights");
  });

  test("not by replicas that a refresh replaces, which may be why it was asked for", () => {
    const old = pod({ revision: 2, containers: [container({ state: ended(1) })] });
    const { spec, ...rest } = deployment({ revision: 2, available: 0 });
    const annotations = { [annotation.refreshedAt]: "2026-01-01T00:00:00Z" };
    const template = { metadata: { ...spec.template.metadata!, annotations } };
    expect(failureOf({ pods: [old], deployment: { ...rest, spec: { ...spec, template } } })).toBeUndefined();
    const replaced = { ...old, metadata: { ...old.metadata, annotations } };
    expect(failureOf({ pods: [replaced], deployment: { ...rest, spec: { ...spec, template } } })).toBeDefined();
  });

  test("when a user's container ends twice, for it may wait for something the first time", () => {
    const once = pod({ revision: 2, containers: [container({ name: "server", state: ended(1) })] });
    const twice = pod({ revision: 2, containers: [container({ name: "server", state: ended(1), restartCount: 1 })] });
    expect(failureOf({ pods: [once] }, { isHandler: false })).toBeUndefined();
    expect(failureOf({ pods: [twice] }, { isHandler: false })).toMatchObject({ code: "ROLLOUT_FAILED" });
  });

  test("when memory runs out, and names the limit", () => {
    const killed = pod({
      revision: 2,
      memoryLimit: "200Mi",
      containers: [container({ state: ended(137, { reason: "OOMKilled" }) })],
    });
    expect(failureOf({ pods: [killed] })).toMatchObject({
      reason: "out of memory: container api used up its limit of 200Mi",
      hint: expect.stringContaining("compute.mem"),
    });
  });

  test("when an image is not there; at once when that is certain, else after a while", () => {
    const waiting = (message: string) => [container({ state: { waiting: { reason: "ErrImagePull", message } } })];
    const missing = pod({ revision: 2, containers: waiting("manifest unknown: not found") });
    const slow = (ageMs: number) => pod({ revision: 2, ageMs, containers: waiting("i/o timeout") });
    expect(failureOf({ pods: [missing] })?.reason).toContain("its image cannot be pulled: manifest unknown: not found");
    expect(failureOf({ pods: [slow(2_000)] })).toBeUndefined();
    expect(failureOf({ pods: [slow(20_000)] })).toMatchObject({ code: "ROLLOUT_FAILED" });
  });

  test("when no node has room, unless one is on its way", () => {
    const scheduled = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message: "0/3 nodes are available: 3 Insufficient cpu.",
    } as const;
    const young = pod({ revision: 2, ageMs: 2_000, scheduled });
    const old = pod({ revision: 2, ageMs: 30_000, scheduled });
    expect(failureOf({ pods: [young] })).toBeUndefined();
    expect(failureOf({ pods: [old] })).toMatchObject({
      code: "NO_CAPACITY",
      reason: "no node has room for it: 0/3 nodes are available: 3 Insufficient cpu.",
    });
    expect(failureOf({ pods: [old], events: eventsOf(old, "TriggeredScaleUp") })).toBeUndefined();
  });

  test.for([
    ['pods "iris-1" is forbidden: exceeded quota: small, requested: cpu=1, used: cpu=1, limited: cpu=1', "NO_CAPACITY"],
    ['pods "iris-1" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot', "CLUSTER_REFUSED"],
  ] as const)("when the server takes no pods: %s", ([message, code]) => {
    const conditions = [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message }] as const;
    const failure = failureOf({ deployment: deployment({ revision: 2, updated: 0, conditions }) });
    expect(failure).toMatchObject({ code, reason: expect.stringContaining(message) });
  });

  test("not by replicas of another revision, nor by those that are told to end", () => {
    const containers = [container({ state: ended(1) })];
    expect(failureOf({ pods: [pod({ revision: 1, containers })] })).toBeUndefined();
    expect(failureOf({ pods: [pod({ revision: 2, isEnding: true, containers })] })).toBeUndefined();
  });
});

test("what it waits for is said: the probe's own words", () => {
  const loading = pod({ revision: 2, containers: [container({ state: { running: {} } })] });
  expect(judged({ pods: [loading], events: eventsOf(loading, "Unhealthy") })).toEqual({
    type: "waiting",
    detail: "replica iris-a is not ready: Unhealthy it was",
  });
});
