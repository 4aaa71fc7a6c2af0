import { describe, test } from "vitest";
import type { CortexError } from "../../../src/core/errors.ts";
import type { Cluster } from "../../../src/spec/parse-cluster.ts";
import { lifecyclePlace, never, type Operator, smallCluster } from "../support/lifecycle.ts";

const minutes = 60_000;

describe.concurrent("a cluster that runs", { timeout: 5 * minutes }, () => {
  test("is not begun to be changed where something of it stays as it is", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me } = place;
    const cluster = await smallCluster();
    expect((await me.up(cluster)).outcome.failures).toEqual([]);
    const [cpu] = cluster.node_groups;
    if (!cpu) throw new Error("there is no group");
    const refused = await refusal(me, {
      ...cluster,
      kubernetes_version: "1.33",
      subnet_visibility: "private",
      node_groups: [{ ...cpu, instance_type: "m5.xlarge", spot: true }],
    });
    expect(refused).toEqual(
      expect.arrayContaining([
        "kubernetes_version is 1.35 and cannot become 1.33",
        "node_groups.cpu.instance_type is m5.large and cannot become m5.xlarge",
        "node_groups.cpu.spot is false and cannot become true",
      ]),
    );
  });
});

/** @returns what is said against it, in order */
async function refusal(me: Operator, cluster: Cluster): Promise<readonly string[]> {
  const error = await me.clouds.planConfigure(cluster, never).then(
    () => undefined,
    (reason: CortexError) => reason,
  );
  if (error?.code !== "NOT_SUPPORTED") throw error ?? new Error("it was planned");
  return error.problems.length > 0 ? error.problems.map(({ message }) => message) : [error.message];
}
