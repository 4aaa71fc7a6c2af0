import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseQuantity } from "../../../src/environments/kubernetes/metrics/autoscaler-objects.ts";
import { autoscalerView } from "../../../src/environments/kubernetes/metrics/autoscaler-view.ts";
import type { KubeObject } from "../../../src/kubernetes/objects.ts";
import { realtimeApi } from "../../cli/support/states.ts";

interface Recorded {
  readonly autoscaler: KubeObject | null;
  readonly scaledObject: KubeObject | null;
}

/** Objects of a Kubernetes 1.34 with KEDA 2.21, as they were while an API with 1 to 3 replicas was under load. */
const recorded = JSON.parse(readFileSync(join(import.meta.dirname, "recorded/autoscalers.json"), "utf8")) as Record<
  string,
  Recorded
>;

const api = realtimeApi("load");
const autoscaling = { ...api.autoscaling, max_replicas: 3, downscale_stabilization_period_ms: 30_000 };
const record = (min_replicas = 1) => ({ spec: { ...api, autoscaling: { ...autoscaling, min_replicas } } });

const viewOf = (name: string, min?: number) => {
  const { autoscaler, scaledObject } = recorded[name]!;
  return autoscalerView(autoscaler ?? undefined, scaledObject ?? undefined, record(min), 1);
};

test.each([
  ["idle at one", 1, 1, 0, "0.00 in-flight on average, target 1 per replica: at min_replicas (1)"],
  [
    "after a step up",
    2,
    2,
    6,
    "6.00 in-flight on average, target 1 per replica: 3 would do, as fast as the factors of autoscaling let it",
  ],
  ["one more on its way", 2, 3, 6, "6.00 in-flight on average, target 1 per replica: from 2 to 3"],
  ["held at the most", 3, 3, 5.502, "5.50 in-flight on average, target 1 per replica: held at max_replicas (3)"],
  ["as many as needed", 3, 3, 3, "3.00 in-flight on average, target 1 per replica: 3 is right"],
  [
    "waiting before a step down",
    3,
    3,
    0,
    "0.00 in-flight on average, target 1 per replica: 1 would do, waiting out the downscale stabilization period (30 s)",
  ],
  [
    "a step down",
    3,
    2,
    0,
    "0.00 in-flight on average, target 1 per replica: from 3 to 2, as fast as the factors of autoscaling let it",
  ],
])("%s: %d run, %d are wanted", (name, current, wanted, mean, reason) => {
  const view = viewOf(name)!;
  expect(view).toMatchObject({ current, wanted, reason });
  expect(view.inFlightMean).toBeCloseTo(mean);
});

test.each([
  [
    "CPU, not measured yet",
    1,
    /^held at 1, as its metric cannot be read: the HPA was unable to compute the replica count: /,
  ],
  ["CPU, measured", 1, /^12% of the CPU that replicas ask for, target 80%: at min_replicas \(1\)$/],
  ["no metric", 1, /^KEDA cannot scale it: Triggers defined in ScaledObject are not working correctly$/],
  ["paused", 1, /^paused: ScaledObject is paused$/],
])("%s: nothing moves", (name, replicas, reason) => {
  const view = viewOf(name)!;
  expect(view).toMatchObject({ current: replicas, wanted: replicas });
  expect(view.inFlightMean).toBeUndefined();
  expect(view.reason).toMatch(reason);
});

test("at zero it says what ends that", () => {
  expect(viewOf("at zero", 0)).toEqual({
    current: 0,
    wanted: 0,
    reason: "scaled to zero: the next request starts a replica",
  });
});

test("one that has not looked yet wants what runs, not nothing", () => {
  const hpa = { ...recorded["idle at one"]!.autoscaler!, status: { desiredReplicas: 0, currentMetrics: null } };
  expect(autoscalerView(hpa, undefined, record(), 2)).toEqual({
    current: 2,
    wanted: 2,
    reason: "it has not looked yet; 2 run",
  });
});

test("nothing is said of what nothing scales, or of what cannot be scaled", () => {
  expect(autoscalerView(undefined, undefined, record())).toBeUndefined();
  const { autoscaler, scaledObject } = recorded["idle at one"]!;
  expect(autoscalerView(undefined, scaledObject!, record())).toBeUndefined();
  const splitter = { kind: "TrafficSplitter" as const, name: "s", apis: [], networking: { endpoint: "/s" } };
  expect(autoscalerView(autoscaler!, undefined, { spec: splitter })).toBeUndefined();
});

test("quantities are numbers", () => {
  expect(["1", "1834m", "250u", "2k", "1.5", "3Mi"].map(parseQuantity)).toEqual([
    1, 1.834, 0.00025, 2000, 1.5, 3145728,
  ]);
  expect(parseQuantity("many")).toBeNaN();
});
