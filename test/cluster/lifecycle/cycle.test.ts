import { describe, expect, test } from "vitest";
import { doneBy, lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";

const minutes = 60_000;

describe("a cluster on AWS", { timeout: 3 * minutes }, () => {
  test("is made, is as it should be when looked at again, and is removed without a trace", async () => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const { plan, outcome } = await me.up(cluster);
    expect(outcome.failures).toEqual([]);
    expect(outcome.reachable).toMatchObject({ name: cluster.cluster_name, accountId: emulator.account });
    expect(plan.cost.perHour.max).toBeGreaterThan(plan.cost.perHour.min);
    expect(me.inside.calls).toEqual([`bring ${cluster.cluster_name}`]);
    const again = await me.clouds.planUp(cluster, never);
    expect(doneBy(again)).toEqual([]);
    const removed = await me.down(cluster);
    expect(removed.outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(await emulator.inventory.names()).toEqual([]);
    await expect(me.clouds.planDown(plan.cluster, { keepAwsResources: false }, never)).rejects.toMatchObject({
      code: "ENVIRONMENT_NOT_FOUND",
    });
  });
});
