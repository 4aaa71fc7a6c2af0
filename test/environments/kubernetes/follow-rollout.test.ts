import { expect, test } from "vitest";
import { anchorObject } from "../../../src/environments/kubernetes/anchor.ts";
import { type Ending, followRollout } from "../../../src/environments/kubernetes/follow-rollout.ts";
import type { NamespaceWatch } from "../../../src/environments/kubernetes/namespace-watch.ts";
import type { Pod } from "../../../src/environments/kubernetes/shapes.ts";
import { anchor, container, deployment, now, pod, record } from "./support/cluster-objects.ts";

/** Ends what follows the rollout of revision 2 with `pods` after one look. */
async function endingOf(pods: readonly Pod[], at: number, isPresent = true, isCurrent = true): Promise<Ending> {
  const one = anchor(2);
  const watch: NamespaceWatch = {
    view: {
      anchors: new Map([["iris", anchorObject("models", one, one)]]),
      deployments: new Map([["iris", deployment({ revision: 2, available: 0 })]]),
      pods: new Map(pods.map((each) => [each.metadata.name, each])),
      routes: new Map(),
      events: new Map(),
    },
    isCurrent: () => isCurrent,
    async *changes() {
      yield;
      await new Promise(() => {});
    },
  };
  const wanted = { api: "iris", revision: 2, id: record(2).id, generation: 3, routeGeneration: undefined };
  const options = {
    watch,
    wanted: { ...wanted, isHandler: true },
    needsRoute: false,
    deadline: at,
    now: () => at,
    isPresent: async () => isPresent,
  };
  const events = followRollout(options, new AbortController().signal);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
  }
}

test("the patience with a scheduler is measured by one clock, however far the cluster's is behind", async () => {
  const scheduled = { type: "PodScheduled", status: "False", reason: "Unschedulable" } as const;
  const waiting = pod({ revision: 2, scheduled });
  expect(await endingOf([waiting], now + 3_600_000)).toMatchObject({ type: "late" });
});

test("a pod that was evicted long ago is no failure of what is rolled out now", async () => {
  const { status, ...rest } = pod({ revision: 2 });
  const evicted = { ...rest, status: { ...status, phase: "Failed", reason: "Evicted" } };
  expect(await endingOf([evicted], now)).toMatchObject({ type: "late" });
});

test("trouble of a replica that somebody's edit by hand has made is no failure of what takes that back", async () => {
  const image = { reason: "ErrImagePull", message: "not found" };
  const edited = pod({ revision: 2, containers: [container({ state: { waiting: image } })] });
  expect(await endingOf([edited], now)).toMatchObject({ type: "failed" });
  expect(await endingOf([edited], now, false)).toMatchObject({ type: "late" });
});

test("what was seen before the connection broke is held against no rollout", async () => {
  const ended = { terminated: { exitCode: 1, reason: "Error" } };
  const containers = [container({ restartCount: 2, state: ended, lastState: ended })];
  const crashed = pod({ revision: 2, containers });
  expect(await endingOf([crashed], now)).toMatchObject({ type: "failed" });
  expect(await endingOf([crashed], now, true, false)).toMatchObject({
    type: "late",
    detail: "the API server does not answer",
  });
});
