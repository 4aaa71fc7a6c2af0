import { expect, test } from "vitest";
import { CortexError } from "../../../src/core/errors.ts";
import { lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";

const slowMs = 120_000;

test("a plan names every missing right, those to look included", { timeout: slowMs }, async () => {
  await using place = await lifecyclePlace({
    denied: ["ec2:DescribeVpcs", "ec2:CreateVpc", "eks:DescribeCluster", "ecr:CreateRepository"],
  });
  const error = await place.me.clouds.planUp(await smallCluster(), never).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CortexError);
  expect(error).toMatchObject({ code: "NOT_AUTHORISED", problems: [] });
  expect((error as CortexError).message).toContain(
    "may not ec2:CreateVpc, ec2:DescribeVpcs, ecr:CreateRepository, eks:DescribeCluster",
  );
  expect(place.emulator.calls.all.filter(({ isRead }) => !isRead)).toEqual([]);
});

test("a plan says what the cluster will cost, and what it costs now once it is there", {
  timeout: slowMs,
}, async () => {
  await using place = await lifecyclePlace();
  const cluster = await smallCluster();
  const { plan, outcome } = await place.me.up(cluster);
  expect(outcome.failures).toEqual([]);
  expect(plan.costNow).toBeUndefined();
  expect(plan.cost).toMatchObject({ isCached: false });
  const again = await place.me.clouds.planUp(cluster, never);
  expect(again.cost).toEqual({ ...plan.cost, pricesOf: again.cost.pricesOf });
  // No load balancer is there: Kubernetes makes it.
  expect(again.costNow?.perHour.min).toBeGreaterThan(0.1);
  expect(again.costNow?.perHour.max).toBeLessThanOrEqual(plan.cost.perHour.max);
});
