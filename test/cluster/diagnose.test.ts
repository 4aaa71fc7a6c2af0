import { describe, expect, test } from "vitest";
import { type AddonState, diagnose, type Pod } from "../../src/cluster/addons/diagnose.ts";
import type { Workload } from "../../src/cluster/addons/facts.ts";
import { deployment, object } from "./support/described-cluster.ts";

const starting = deployment("keda", "keda-operator", "kedacore/keda:2.21.0", false) as Workload;

function pod(state: object, restartCount = 0, conditions: readonly object[] = []): Pod {
  const status = { conditions, containerStatuses: [{ name: "operator", restartCount, ...state }] };
  return object("v1", "Pod", { name: "keda-operator-x", namespace: "keda" }, { status }) as Pod;
}

function look(state: Partial<AddonState>) {
  return diagnose({ workloads: [starting], jobs: [], apiServices: [], pods: [], ...state });
}

describe("an add-on that does not start", () => {
  test("because its image cannot be pulled says so, with what the node said", () => {
    const waiting = { state: { waiting: { reason: "ImagePullBackOff", message: "not found" } } };
    expect(look({ pods: [pod(waiting)] }).failure?.message).toBe(
      "pod keda/keda-operator-x cannot pull its image: not found",
    );
  });

  test("because it crashes is given a few tries, since it may make its certificates first", () => {
    const waiting = { state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: { terminated: { exitCode: 1 } } };
    expect(look({ pods: [pod(waiting, 2)] }).failure).toBeUndefined();
    expect(look({ pods: [pod(waiting, 4)] }).failure).toMatchObject({
      message: "container operator of pod keda/keda-operator-x ends again and again (exit status 1)",
      hint: "kubectl -n keda logs keda-operator-x -c operator --previous",
    });
  });

  test("because a quota is used up is a matter of capacity", () => {
    const condition = { type: "ReplicaFailure", status: "True", message: "exceeded quota: compute, requested: pods=1" };
    const refused = { ...starting, status: { conditions: [condition] } };
    expect(look({ workloads: [refused] }).failure).toMatchObject({
      isCapacity: true,
      hint: "raise the quota of namespace keda",
    });
  });

  test("because no node has room waits for one, and says so", () => {
    const condition = {
      type: "PodScheduled",
      status: "False",
      message: "0/1 nodes are available: 1 Insufficient cpu.",
    };
    expect(look({ pods: [pod({}, 0, [condition])] })).toEqual({
      isReady: false,
      detail: "keda-operator-x is not scheduled: 0/1 nodes are available: 1 Insufficient cpu.",
    });
  });

  test("because its job failed says which", () => {
    const job = object(
      "batch/v1",
      "Job",
      { name: "certgen", namespace: "envoy-gateway-system" },
      {
        status: { conditions: [{ type: "Failed", status: "True", message: "BackoffLimitExceeded" }] },
      },
    );
    expect(look({ jobs: [job] }).failure?.hint).toBe("kubectl -n envoy-gateway-system logs job/certgen");
  });
});

test("an add-on is ready when its programs and what they serve are", () => {
  const ready = deployment("keda", "keda-operator", "kedacore/keda:2.21.0") as Workload;
  const api = (status: string) =>
    object(
      "apiregistration.k8s.io/v1",
      "APIService",
      { name: "v1beta1.external.metrics.k8s.io" },
      {
        spec: {},
        status: { conditions: [{ type: "Available", status, message: "no endpoints" }] },
      },
    ) as never;
  expect(look({ workloads: [ready], apiServices: [api("False")] })).toEqual({
    isReady: false,
    detail: "v1beta1.external.metrics.k8s.io: no endpoints",
  });
  expect(look({ workloads: [ready], apiServices: [api("True")] }).isReady).toBe(true);
  expect(look({ workloads: [] }).isReady).toBe(false);
});
