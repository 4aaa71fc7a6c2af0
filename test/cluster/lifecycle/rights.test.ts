import { expect, test } from "vitest";
import { rightsFor } from "../../../src/aws/policies.ts";
import type { CloudActivity } from "../../../src/core/cloud-rights.ts";
import type { Emulator } from "../../aws/emulator.ts";
import { actionOf } from "../../aws/shim/faults.ts";
import { lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";

const whole = `
nat_gateway: single
subnet_visibility: private
tags: {team: models}
`;
const groups =
  "[{name: cpu, instance_type: m5.large, min_instances: 1, max_instances: 3}, {name: spot, instance_type: m5.large, min_instances: 0, max_instances: 3, spot: true}]";

/** @returns actions that were called since, and that the policy of `activities` lacks */
function unallowed({ calls }: Emulator, ...activities: readonly CloudActivity[]): readonly string[] {
  const allowed = new Set(activities.flatMap((one) => rightsFor(one, {}).map(({ action }) => action)));
  const called = Object.keys(calls.counts()).map((name) => {
    const [service = "", operation = ""] = name.split(":");
    return actionOf({ service, operation } as Parameters<typeof actionOf>[0]);
  });
  calls.clear();
  return [...new Set(called)].filter((action) => !allowed.has(action)).sort();
}

test("each command calls nothing that its policy does not allow", { timeout: 180_000 }, async () => {
  await using place = await lifecyclePlace();
  const { emulator, me } = place;
  const cluster = await smallCluster(whole, groups);
  const id = { name: cluster.cluster_name, region: cluster.region };
  expect((await me.up(cluster)).outcome.failures).toEqual([]);
  expect(unallowed(emulator, "up")).toEqual([]);
  await me.clouds.planConfigure(cluster, never);
  expect(unallowed(emulator, "diff")).toEqual([]);
  await me.clouds.info(id, never).catch(() => {});
  expect(unallowed(emulator, "info")).toEqual([]);
  await me.clouds.list([cluster.region], never).catch(() => {});
  expect(unallowed(emulator, "list")).toEqual([]);
  await me.clouds.health(id, never).catch(() => {});
  expect(unallowed(emulator, "health")).toEqual([]);
  const [resized] = cluster.node_groups;
  const smaller = { ...cluster, node_groups: [{ ...resized!, max_instances: 5 }] };
  await me.clouds.apply(await me.clouds.planConfigure(smaller, never), () => {}, never);
  expect(unallowed(emulator, "configure")).toEqual([]);
  const upgrade = await me.clouds.planUpgrade(id, undefined, never).catch(() => undefined);
  if (upgrade) await me.clouds.apply(upgrade, () => {}, never);
  expect(unallowed(emulator, "upgrade")).toEqual([]);
  const { outcome } = await me.down(cluster);
  expect(outcome).toMatchObject({ failures: [], left: [] });
  expect(unallowed(emulator, "down")).toEqual([]);
});
