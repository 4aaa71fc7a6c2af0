import { expect, test } from "vitest";
import type { Cost } from "../../../src/core/cloud-cluster.ts";
import { lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";

const extended = "extended support of its Kubernetes version";
const whatOf = ({ lines }: Cost) => lines.map(({ what }) => what);

test("an upgrade says what the cluster costs afterwards, and what it costs meanwhile", {
  timeout: 120_000,
}, async () => {
  await using place = await lifecyclePlace();
  const cluster = await smallCluster("kubernetes_version: 1.32\n");
  expect((await place.me.up(cluster)).outcome.failures).toEqual([]);
  const id = { name: cluster.cluster_name, region: cluster.region };
  const { cost, costNow, warnings } = await place.me.clouds.planUpgrade(id, undefined, never);
  expect(whatOf(costNow!)).toContain(extended);
  expect(whatOf(cost)).not.toContain(extended);
  expect(costNow!.perHour.max - cost.perHour.max).toBeCloseTo(0.5);
  expect(warnings).toContainEqual(
    expect.stringMatching(/^until all nodes are exchanged there may be 6 more of them, which cost \$/),
  );
});
