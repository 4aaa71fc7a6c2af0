import { expect, test } from "vitest";
import { applyPlan } from "../../../src/core/graph/apply.ts";
import { criticalPath } from "../../../src/core/graph/critical-path.ts";
import { type GraphPlan, realChanges } from "../../../src/core/graph/plan.ts";
import { planDown } from "../../../src/core/graph/plan-down.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { type CloudFaults, FakeCloud } from "./fake-cloud.ts";
import { modelCluster } from "./model-cluster.ts";

const signal = new AbortController().signal;
/** A wait near its end looks at least so often. */
const longestPollMs = 10_000;
const callMs = 120;

interface Timed {
  readonly cloud: FakeCloud;
  readonly up: GraphPlan;
  readonly upMs: number;
  readonly down: GraphPlan;
  readonly downMs: number;
}

test("up takes as long as its longest chain, and at most one look more for each wait in it", async () => {
  const { up, upMs } = await upAndDown(4);
  const chain = criticalPath(up.steps);
  expect(chain.ids).toContain("control-plane");
  expect(chain.ms).toBeGreaterThan(12 * 60_000);
  expect(upMs).toBeLessThanOrEqual(chain.ms + slackMs(up));
});

test("down takes as long as its longest chain, and at most one look more for each wait in it", async () => {
  const { down, downMs, cloud } = await upAndDown(4);
  const chain = criticalPath(down.steps);
  expect(chain.ids).toContain("node-group/0");
  expect(downMs).toBeLessThanOrEqual(chain.ms + slackMs(down));
  expect(cloud.things()).toEqual([]);
});

test("who waits for the provider keeps nobody else from beginning: a hundred node groups take no longer than one", async () => {
  const [one, hundred] = [await upAndDown(1), await upAndDown(100)];
  expect(hundred.upMs).toBeLessThan(one.upMs * 1.1);
  expect(hundred.downMs).toBeLessThan(one.downMs * 1.1);
});

test("at most sixteen calls are under way at once", async () => {
  const cloud = new FakeCloud(new VirtualClock());
  const { kinds, wanted } = modelCluster(cloud, 100);
  const plan = planUp({ kinds, wanted, found: new Map() });
  await applyPlan(plan, { clock: cloud.clock }, signal);
  expect(cloud.mostAtOnce).toBe(16);
});

test("when half of all calls are throttled, it takes at most half as long again", async () => {
  const { up, upMs, down, downMs, cloud } = await upAndDown(4, { throttled: 0.5, random: seededRandom(7) });
  expect(upMs).toBeLessThanOrEqual(criticalPath(up.steps).ms * 1.5);
  expect(downMs).toBeLessThanOrEqual(criticalPath(down.steps).ms * 1.5);
  expect(cloud.things()).toEqual([]);
});

test("a second up finds nothing to do, and asks once for each kind", async () => {
  const cloud = new FakeCloud(new VirtualClock());
  const { kinds, wanted } = modelCluster(cloud, 4);
  await applyPlan(planUp({ kinds, wanted, found: new Map() }), { clock: cloud.clock }, signal);
  const before = cloud.calls;
  const again = planUp({ kinds, wanted, found: await readAll(kinds, signal) });
  expect(realChanges(again.steps)).toEqual([]);
  await applyPlan(again, { clock: cloud.clock }, signal);
  expect(cloud.calls - before).toBe(kinds.length);
});

async function upAndDown(groups: number, faults: CloudFaults = {}): Promise<Timed> {
  const clock = new VirtualClock();
  const cloud = new FakeCloud(clock, faults);
  const { kinds, wanted } = modelCluster(cloud, groups);
  const run = async (plan: GraphPlan) => {
    const begunAt = clock.now();
    const { failures } = await applyPlan(plan, { clock }, signal);
    expect(failures).toEqual([]);
    return clock.now() - begunAt;
  };
  const up = planUp({ kinds, wanted, found: await readAll(kinds, signal) });
  const upMs = await run(up);
  const down = planDown({ kinds, found: await readAll(kinds, signal) });
  return { cloud, up, upMs, down, downMs: await run(down) };
}

/** One look for each wait of the chain that takes longest, and what its calls take. */
function slackMs({ steps }: GraphPlan): number {
  const chain = criticalPath(steps).ids.map((id) => steps.find((step) => step.id === id)!);
  const waits = chain.filter(({ expectedMs }) => expectedMs > callMs);
  return waits.length * (longestPollMs + callMs);
}
