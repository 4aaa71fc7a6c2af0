import { expect, test } from "vitest";
import { keptTagWarnings } from "../../../src/cluster/lifecycle/kept-tags.ts";
import type { ResourceContext } from "../../../src/cluster/resources/context.ts";

test("tags that are in the file no more are told of, those of AWS, Kubernetes and Cortex are not", () => {
  const context = { clusterName: "models", tags: { team: "a" } } as unknown as ResourceContext;
  const ours = {
    Name: "models/control-plane",
    "cortex.dev/cluster-name": "models",
    "cortex.dev/resource": "control-plane",
  };
  const others = { "aws:createdBy": "x", "eks:cluster-name": "models", "kubernetes.io/cluster/models": "owned" };
  expect(keptTagWarnings(context, { ...ours, ...others, team: "b" })).toEqual([]);
  expect(keptTagWarnings(context, { ...ours, team: "a", owner: "me", cost: "1" })).toEqual([
    "tags that are not in the file stay on what has them: cost, owner",
  ]);
  expect(keptTagWarnings(context, undefined)).toEqual([]);
});
