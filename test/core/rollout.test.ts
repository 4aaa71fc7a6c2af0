import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextRolloutStep, type RolloutReplica, rolloutBounds } from "../../src/core/rollout.ts";

const strategy = { max_surge: "25%", max_unavailable: "25%" };

function replica(id: string, more: Partial<RolloutReplica> = {}): RolloutReplica {
  return { id, isReady: true, inFlight: 0, startedAt: 0, ...more };
}

describe("bounds of an update", () => {
  test("shares are rounded up for surge and down for unavailable, as Kubernetes does", () => {
    expect(rolloutBounds(strategy, 1)).toEqual({ surge: 1, unavailable: 0 });
    expect(rolloutBounds(strategy, 4)).toEqual({ surge: 1, unavailable: 1 });
    expect(rolloutBounds(strategy, 10)).toEqual({ surge: 3, unavailable: 2 });
    expect(rolloutBounds({ max_surge: "7%", max_unavailable: 0 }, 100)).toEqual({ surge: 7, unavailable: 0 });
  });

  test("when neither may move, one replica may be unavailable", () => {
    expect(rolloutBounds({ max_surge: 0, max_unavailable: "25%" }, 2)).toEqual({ surge: 0, unavailable: 1 });
  });
});

describe("the next step of an update", () => {
  test("one replica is replaced by a second that is ready first", () => {
    const old = replica("old");
    expect(nextRolloutStep({ wanted: 1, current: [], previous: [old], strategy })).toEqual({ start: 1, drain: [] });
    const loading = replica("new", { isReady: false });
    expect(nextRolloutStep({ wanted: 1, current: [loading], previous: [old], strategy })).toEqual({
      start: 0,
      drain: [],
    });
    const ready = replica("new");
    expect(nextRolloutStep({ wanted: 1, current: [ready], previous: [old], strategy })).toEqual({
      start: 0,
      drain: ["old"],
    });
  });

  test("an older replica that is not ready makes room at once", () => {
    const broken = replica("broken", { isReady: false });
    expect(nextRolloutStep({ wanted: 1, current: [], previous: [broken], strategy })).toEqual({
      start: 1,
      drain: ["broken"],
    });
  });

  test("scaling down takes those that are not ready, then the least busy, then the youngest", () => {
    const current = [
      replica("busy", { inFlight: 3 }),
      replica("old"),
      replica("young", { startedAt: 9 }),
      replica("loading", { isReady: false }),
    ];
    expect(nextRolloutStep({ wanted: 2, current, previous: [], strategy }).drain).toEqual(["loading", "young"]);
  });

  test("nothing wanted drains everything", () => {
    const step = nextRolloutStep({ wanted: 0, current: [replica("a")], previous: [replica("b")], strategy });
    expect(step).toEqual({ start: 0, drain: ["a", "b"] });
  });
});

describe("any update, whatever the order in which replicas become ready", () => {
  const share = fc.oneof(
    fc.integer({ min: 0, max: 4 }),
    fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
  );
  const update = fc.record({
    wanted: fc.integer({ min: 0, max: 12 }),
    before: fc.integer({ min: 0, max: 12 }),
    max_surge: share,
    max_unavailable: share,
    order: fc.infiniteStream(fc.nat(100)),
  });

  test("stays within its bounds, always moves, and ends with exactly the wanted replicas", () => {
    fc.assert(
      fc.property(update, ({ wanted, before, order, ...bounds }) => {
        const { surge, unavailable } = rolloutBounds(bounds, wanted);
        let previous = Array.from({ length: before }, (_, index) => replica(`old${index}`));
        let current: RolloutReplica[] = [];
        const readyAtFirst = previous.length;
        for (let turn = 0; turn < 200; turn += 1) {
          const step = nextRolloutStep({ wanted, current, previous, strategy: bounds });
          previous = previous.filter((one) => !step.drain.includes(one.id));
          current = current.filter((one) => !step.drain.includes(one.id));
          const started = Array.from({ length: step.start }, (_, n) => replica(`new${turn}.${n}`, { isReady: false }));
          current = [...current, ...started];
          const ready = [...current, ...previous].filter((one) => one.isReady).length;
          expect(current.length + previous.length).toBeLessThanOrEqual(Math.max(wanted + surge, before));
          expect(ready).toBeGreaterThanOrEqual(Math.min(readyAtFirst, Math.max(0, wanted - unavailable)));
          const waiting = current.filter((one) => !one.isReady);
          if (step.start === 0 && step.drain.length === 0 && waiting.length === 0) break;
          const chosen = waiting[(order.next().value ?? 0) % Math.max(1, waiting.length)];
          current = current.map((one) => (one === chosen ? { ...one, isReady: true } : one));
        }
        expect(previous).toEqual([]);
        expect(current.filter((one) => one.isReady)).toHaveLength(wanted);
        expect(current).toHaveLength(wanted);
      }),
    );
  });
});
