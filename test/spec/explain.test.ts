import { describe, expect, test } from "vitest";
import type { CortexError } from "../../src/core/errors.ts";
import { explainField } from "../../src/spec/explain.ts";
import { explanationText } from "../../src/spec/explain-text.ts";

test("a field is explained with its type, default, limits and example", () => {
  expect(explainField("autoscaling.max_replicas")).toEqual({
    path: "autoscaling.max_replicas",
    file: "cortex.yaml",
    type: "whole number",
    required: false,
    default: "100",
    limits: "1 to 100000",
    kinds: null,
    description: "Most replicas, at least `min_replicas`.",
    example: "max_replicas: 10",
    oldNames: [],
    askedFor: null,
    children: [],
  });
});

test("a field with others below it lists them", () => {
  const { children, required, oldNames } = explainField("handler");
  expect(required).toBe(false);
  expect(oldNames.map(({ path }) => path)).toEqual(["predictor", "definition"]);
  expect(children.map(({ path }) => path)).toContain("handler.processes_per_replica");
  expect(children.find(({ path }) => path === "handler.path")).toMatchObject({
    required: true,
    type: "path",
    default: null,
  });
});

test.each([
  ["pod.containers.image", "pod.containers.image"],
  ["pod.containers[].image", "pod.containers.image"],
  ["pod.containers[0].image", "pod.containers.image"],
  ["cluster.node_groups.spot", "cluster.node_groups.spot"],
  ["cluster.node_groups[].spot_config.max_price", "cluster.node_groups.spot_config.max_price"],
])("%s is found", (asked, path) => {
  expect(explainField(asked)).toMatchObject({ path, askedFor: null });
});

test.each([
  ["predictor", "handler"],
  ["predictor.path", "handler.path"],
  ["predictor.model", "handler.models.path"],
  ["handler.shm_size", "compute.shm"],
  ["endpoint", "networking.endpoint"],
  ["autoscaling.target_replica_concurrency", "autoscaling.target_in_flight"],
  ["autoscaling.max_replica_concurrency", "pod.max_concurrency"],
])("the older %s is explained as %s", (asked, path) => {
  expect(explainField(asked)).toMatchObject({ path, askedFor: asked });
});

test("an older field that says nothing any more is explained as that", () => {
  expect(explainField("monitoring").description).toBe("Not used any more: predictions are not monitored any more.");
});

test.each([undefined, "", "  "])("without a field (%j), cortex.yaml is explained", (asked) => {
  const { path, file, children } = explainField(asked);
  expect({ path, file }).toEqual({ path: "", file: "cortex.yaml" });
  expect(children.map((child) => child.path)).toEqual([
    "name",
    "kind",
    "handler",
    "pod",
    "compute",
    "autoscaling",
    "update_strategy",
    "networking",
    "node_groups",
    "apis",
  ]);
});

test("cluster explains cluster.yaml", () => {
  const { file, children } = explainField("cluster");
  expect(file).toBe("cluster.yaml");
  expect(children.find(({ path }) => path === "cluster.region")).toMatchObject({ required: true });
});

describe("a field that there is not", () => {
  test.each([
    ["autoscaling.max_replica", "did you mean autoscaling.max_replicas?"],
    ["max_replicas", "did you mean autoscaling.max_replicas?"],
    ["handler.cpu", "did you mean compute.cpu?"],
    ["cluster.node_group.spot", "did you mean cluster.node_groups.spot?"],
    ["constructor", "cortex explain lists all fields"],
    ["max_replica_concurrency", "did you mean autoscaling.max_replica_concurrency?"],
    ["xyz", "cortex explain lists all fields"],
  ])("%s: %s", (asked, hint) => {
    expect(() => explainField(asked)).toThrow(
      expect.objectContaining({ code: "USAGE", message: `there is no field ${asked}`, hint }) as CortexError,
    );
  });
});

test("an explanation is shown as text", () => {
  expect(explanationText(explainField("predictor.server_side_batching"))).toMatchInlineSnapshot(`
    "predictor.server_side_batching is an older spelling of:

    handler.server_side_batching  (map, cortex.yaml)
      Hands several requests to the class at once: its arguments become lists.
      kinds:     RealtimeAPI

      handler.server_side_batching.max_batch_size  whole number, required
                                                   Most requests that are handed to the class at once. With a Python handler it equals \`threads_per_process\`.
      handler.server_side_batching.batch_interval  duration, required
                                                   How long to wait for a batch to fill up.
    "
  `);
});
