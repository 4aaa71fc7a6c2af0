import { describe, expect, test } from "vitest";
import type { CloudPlan } from "../../src/core/cloud-cluster.ts";
import { criticalPath } from "../../src/core/graph/critical-path.ts";
import type { WalkEvent } from "../../src/core/graph/plan.ts";
import { doneBy, lifecyclePlace, never, type Place, smallCluster } from "./support/lifecycle.ts";

/** What a call to AWS takes from far away. */
const latencyMs = 120;
const groups = `
  - { name: cpu, instance_type: m5.large }
  - { name: spot, instance_type: m5.large, spot: true, min_instances: 0 }`;
const network = "subnet_visibility: private\nnat_gateway: highly_available\n";

interface Timed {
  readonly plan: CloudPlan;
  readonly tookMs: number;
  /** Of the chain that took longest, by what each of its steps really took. */
  readonly chainMs: number;
}

describe("by AWS's time", { timeout: 240_000 }, () => {
  test("a cluster comes and goes in what its longest chain takes, and looking at it takes three seconds", async () => {
    await using place = await lifecyclePlace({ latencyMs });
    const cluster = await smallCluster(network, groups);
    const up = await timed(place, async (me) => {
      const { plan, outcome } = await me.up(cluster);
      expect(outcome.failures).toEqual([]);
      return plan;
    });
    expect(up.tookMs).toBeLessThan(up.chainMs * 1.1);
    // And it is what was told beforehand.
    expect(up.plan.expectedMs / up.tookMs).toBeGreaterThan(0.9);
    expect(up.plan.expectedMs / up.tookMs).toBeLessThan(1.1);

    place.emulator.calls.clear();
    const look = await timed(place, ({ clouds }) => clouds.planUp(cluster, never));
    expect(doneBy(look.plan)).toEqual([]);
    expect(look.tookMs).toBeLessThan(3_000);
    expect(place.emulator.calls.all.filter(({ isRead }) => !isRead)).toEqual([]);
    expect(place.emulator.calls.all.length).toBeLessThanOrEqual(2 * up.plan.changes.length);

    const down = await timed(place, async (me) => {
      const { plan, outcome } = await me.down(cluster);
      expect(outcome.failures).toEqual([]);
      return plan;
    });
    expect(down.tookMs).toBeLessThan(down.chainMs * 1.1);
  });

  test("half of all calls being throttled makes it half as long again at most", async () => {
    await using place = await lifecyclePlace({ latencyMs });
    place.emulator.faults.add({ op: "*", kind: "throttle", rate: 0.5, seed: 1 });
    const cluster = await smallCluster(network, groups);
    const up = await timed(place, async (me) => (await me.up(cluster)).plan);
    expect(up.tookMs).toBeLessThan(up.plan.expectedMs * 1.5);
    const down = await timed(place, async (me) => (await me.down(cluster)).plan);
    expect(down.tookMs).toBeLessThan(down.plan.expectedMs * 1.5);
    place.emulator.faults.clear();
    expect(await place.emulator.inventory.names()).toEqual([]);
  });
});

async function timed(place: Place, run: (me: Place["me"]) => Promise<CloudPlan>): Promise<Timed> {
  const { me, emulator } = place;
  const begunAt = emulator.clock.now();
  const before = me.events.length;
  const plan = await run(me);
  return { plan, tookMs: emulator.clock.now() - begunAt, chainMs: longestChainMs(plan, me.events.slice(before)) };
}

function longestChainMs({ changes }: CloudPlan, events: readonly WalkEvent[]): number {
  const done = events.filter(({ phase }) => phase === "done");
  const took = new Map(done.map(({ id, elapsedMs = 0 }) => [id, elapsedMs]));
  return criticalPath(changes, ({ id }) => took.get(id) ?? 0).ms;
}
