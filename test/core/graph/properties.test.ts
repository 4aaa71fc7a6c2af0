import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyPlan } from "../../../src/core/graph/apply.ts";
import { criticalPath } from "../../../src/core/graph/critical-path.ts";
import { type GraphPlan, realChanges } from "../../../src/core/graph/plan.ts";
import { planDown } from "../../../src/core/graph/plan-down.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import type { Wanted } from "../../../src/core/graph/resource.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { FakeCloud, type FakeKind, type FakeWish, wish } from "./fake-cloud.ts";

const signal = new AbortController().signal;
const runs = { numRuns: 60 };

/** Kinds in layers, each hanging on some of those before; things of them that are wanted, and that an earlier wish has left. */
interface World {
  readonly kinds: readonly { readonly needs: readonly number[]; readonly ms: number }[];
  readonly before: readonly Thing[];
  readonly after: readonly Thing[];
}

interface Thing {
  readonly kind: number;
  readonly name: number;
  readonly value: string;
}

const worlds: fc.Arbitrary<World> = fc.integer({ min: 1, max: 6 }).chain((count) => {
  const kind = (index: number) =>
    fc.record({
      needs: index === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(index - 1), { maxLength: 3 }),
      ms: fc.constantFrom(0, 0, 5_000, 90_000, 540_000),
    });
  const thing = fc.record({ kind: fc.nat(count - 1), name: fc.nat(2), value: fc.constantFrom("a", "b") });
  const things = fc.uniqueArray(thing, { selector: (one) => `${one.kind}/${one.name}`, maxLength: 12 });
  return fc.record({
    kinds: fc.tuple(...Array.from({ length: count }, (_, index) => kind(index))),
    before: things,
    after: things,
  });
});

describe("whatever there was, and whatever is wanted,", () => {
  test("up ends with exactly what is wanted, once each, and a second one has nothing to do", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { cloud, kinds, before, after } = built(world);
        await bringUp(cloud, kinds, before);
        await bringUp(cloud, kinds, after);
        expect(cloud.things()).toEqual(expected(after));
        const again = planUp({ kinds, wanted: after, found: await readAll(kinds, signal) });
        expect(realChanges(again.steps)).toEqual([]);
      }),
      runs,
    );
  });

  test("down leaves nothing, and takes no longer than its longest chain and a look for each wait", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const { cloud, kinds, before } = built(world);
        await bringUp(cloud, kinds, before);
        const plan = planDown({ kinds, found: await readAll(kinds, signal) });
        const begunAt = cloud.clock.now();
        await apply(cloud, plan);
        expect(cloud.things()).toEqual([]);
        const chain = criticalPath(plan.steps);
        expect(cloud.clock.now() - begunAt).toBeLessThanOrEqual(chain.ms + chain.ids.length * 10_120);
      }),
      runs,
    );
  });

  test("a run that is killed anywhere, with answers lost before, is made good by the next", async () => {
    const kills = fc.record({ world: worlds, call: fc.integer({ min: 1, max: 80 }), seed: fc.nat() });
    await fc.assert(
      fc.asyncProperty(kills, async ({ world, call, seed }) => {
        const { cloud, kinds, before, after } = built(world);
        await bringUp(cloud, kinds, before);
        const random = seededRandom(seed);
        const controller = new AbortController();
        const first = cloud.calls;
        cloud.faults = {
          losesReply: () => random() < 0.3,
          lagMs: random() * 20_000,
          onCall: (now) => now === first + call && controller.abort(new Error("killed")),
        };
        const plan = planUp({ kinds, wanted: after, found: await readAll(kinds, signal) });
        await applyPlan(plan, { clock: cloud.clock }, controller.signal).catch(() => {});
        cloud.faults = {};
        await cloud.clock.sleep(30_000, signal);
        await bringUp(cloud, kinds, after);
        expect(cloud.things()).toEqual(expected(after));
        await apply(cloud, planDown({ kinds, found: await readAll(kinds, signal) }));
        expect(cloud.things()).toEqual([]);
      }),
      runs,
    );
  });

  test("a plan holds every wanted one once, and removes every other found one once", () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { kinds, before, after } = built(world);
        const found = Map.groupBy(
          [...before, ...before.slice(0, 3)].map(({ id, kind }, index) => ({
            kind: kind.name,
            one: {
              id,
              label: `${index}`,
              state: { label: `${index}`, value: "a", uses: [] },
              status: "ready" as const,
            },
          })),
          ({ kind }) => kind,
        );
        const byKind = new Map([...found].map(([name, all]) => [name, all.map(({ one }) => one)]));
        const { steps } = planUp({ kinds, wanted: after, found: byKind });
        const ids = steps.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const wanted = steps.filter((step) => step.wanted).map(({ id }) => id);
        expect(wanted.toSorted()).toEqual(after.map(({ id }) => id).toSorted());
        const labels = steps.flatMap((step) => (step.found ? [step.found.label] : []));
        expect(labels.toSorted()).toEqual(
          [...byKind.values()]
            .flat()
            .map(({ label }) => label)
            .toSorted(),
        );
        for (const [index, { needs }] of steps.entries()) {
          expect(needs.filter((need) => ids.indexOf(need) >= index)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function built({ kinds: shapes, before, after }: World) {
  const cloud = new FakeCloud(new VirtualClock());
  const kinds = shapes.map(({ needs, ms }, index) =>
    cloud.kind(
      `kind${index}`,
      needs.map((need) => `kind${need}`),
      { create: ms, update: ms / 2, remove: ms / 3 },
    ),
  );
  return { cloud, kinds, before: wanted(kinds, before), after: wanted(kinds, after) };
}

/** Each hangs on all those of the kinds that its own needs. */
function wanted(kinds: readonly FakeKind[], things: readonly Thing[]): readonly Wanted[] {
  const made: Wanted[] = [];
  for (const [index, kind] of kinds.entries()) {
    const on = made.filter((one) => kind.needs.includes(one.kind.name));
    for (const { name, value } of things.filter((thing) => thing.kind === index)) {
      made.push(wish(kind, `${kind.name}/${name}`, on, value));
    }
  }
  return made;
}

async function bringUp(cloud: FakeCloud, kinds: readonly FakeKind[], all: readonly Wanted[]): Promise<void> {
  await apply(cloud, planUp({ kinds, wanted: all, found: await readAll(kinds, signal) }));
}

async function apply(cloud: FakeCloud, plan: GraphPlan): Promise<void> {
  expect((await applyPlan(plan, { clock: cloud.clock }, signal)).failures).toEqual([]);
}

function expected(all: readonly Wanted[]): readonly string[] {
  return all.map(({ id, wish: wished }) => `${id}=${(wished as FakeWish).value}`).toSorted();
}
