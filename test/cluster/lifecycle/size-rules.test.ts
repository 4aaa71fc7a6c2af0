import { describe, expect, test } from "vitest";
import { type ClusterKinds, standingGroups } from "../../../src/cluster/lifecycle/kinds.ts";
import { checkSize, type StandingGroups } from "../../../src/cluster/lifecycle/size-rules.ts";
import type { CortexError } from "../../../src/core/errors.ts";
import { type Cluster, parseCluster } from "../../../src/spec/parse-cluster.ts";

async function clusterOf(...groups: readonly string[]): Promise<Cluster> {
  const items = groups.map((group, index) => `  - {name: g${index}, instance_type: m5.large, ${group}}\n`);
  const text = `region: us-east-1\nnode_groups:\n${items.join("")}`;
  return (await parseCluster({ file: "cluster.yaml", text, variables: {} })).cluster;
}

async function problemsOf(groups: readonly string[], standing?: StandingGroups): Promise<readonly string[]> {
  try {
    checkSize(await clusterOf(...groups), standing);
    return [];
  } catch (error) {
    return (error as CortexError).problems.map(({ message }) => message);
  }
}

describe("a cluster that is made", () => {
  test("begins with at most 200 instances", async () => {
    expect(
      await problemsOf(["min_instances: 100, max_instances: 100", "min_instances: 100, max_instances: 100"]),
    ).toEqual([]);
    expect(
      await problemsOf(["min_instances: 150, max_instances: 150", "min_instances: 51, max_instances: 60"]),
    ).toEqual(["a new cluster begins with at most 200 instances; min_instances sum up to 201"]);
  });

  test("has no group that cannot grow", async () => {
    expect(await problemsOf(["min_instances: 0, max_instances: 0", "min_instances: 0, max_instances: 1"])).toEqual([
      "node_groups.g0.max_instances: a group that is made needs at least one instance to grow to",
    ]);
  });
});

describe("a cluster that is there", () => {
  const standing = new Map([["g0", 150]]);

  test("gets at most 100 instances more at a time", async () => {
    expect(await problemsOf(["min_instances: 250, max_instances: 250"], standing)).toEqual([]);
    expect(
      await problemsOf(["min_instances: 200, max_instances: 250", "min_instances: 51, max_instances: 60"], standing),
    ).toEqual(["101 instances would be added at once; at most 100 can be"]);
  });

  test("may close a group, and makes none that is closed", async () => {
    expect(await problemsOf(["min_instances: 0, max_instances: 0"], standing)).toEqual([]);
    expect(await problemsOf(["min_instances: 1", "min_instances: 0, max_instances: 0"], standing)).toHaveLength(1);
  });

  test("is told all that does not hold at once", async () => {
    expect(
      await problemsOf(["min_instances: 400, max_instances: 400", "min_instances: 0, max_instances: 0"], standing),
    ).toHaveLength(2);
  });
});

test("a group of the user's that is two groups in EKS keeps what both keep", () => {
  const kinds = { eks: { controlPlane: { name: "control-plane" }, nodeGroup: { name: "node-group" } } };
  const group = (name: string, label: string, min: number) => ({
    id: `node-group/${name}`,
    label: name,
    status: "ready" as const,
    state: { name, min, labels: { "cortex.dev/node-group": label } },
  });
  const groups = [group("spot", "spot", 3), group("spot_base", "spot", 2), group("cpu", "cpu", 1)];
  const controlPlane = { id: "control-plane", label: "c", status: "ready" as const, state: {} };
  const found = new Map([
    ["control-plane", [controlPlane]],
    ["node-group", groups],
  ]);
  expect(standingGroups(found, kinds as unknown as ClusterKinds)).toEqual(
    new Map([
      ["spot", 5],
      ["cpu", 1],
    ]),
  );
  expect(standingGroups(new Map(), kinds as unknown as ClusterKinds)).toBeUndefined();
});
