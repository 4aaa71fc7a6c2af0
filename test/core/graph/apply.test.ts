import { describe, expect, test } from "vitest";
import { CortexError } from "../../../src/core/errors.ts";
import { type Applied, applyPlan } from "../../../src/core/graph/apply.ts";
import type { WalkEvent } from "../../../src/core/graph/plan.ts";
import { planDown } from "../../../src/core/graph/plan-down.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import { Uncertain, type Wanted } from "../../../src/core/graph/resource.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { type CloudFaults, FakeCloud, type FakeKind, wish } from "./fake-cloud.ts";

const minuteMs = 60_000;
const signal = new AbortController().signal;

interface Place {
  readonly cloud: FakeCloud;
  readonly kinds: readonly FakeKind[];
  readonly wanted: readonly Wanted[];
  readonly events: WalkEvent[];
  up(signal?: AbortSignal): Promise<Applied>;
  down(signal?: AbortSignal): Promise<Applied>;
}

describe("an answer that is lost", () => {
  test("leads to a look, and what was made is adopted", async () => {
    const place = somewhere({ losesReply: () => true });
    expect((await place.up()).failures).toEqual([]);
    expect(place.cloud.things()).toEqual(["group/a=a", "group/b=a", "subnet=a", "vpc=a"]);
    expect(place.cloud.creates).toBe(4);
  });

  test("of something that is not listed for long leads to a second one, and the one that is not used goes in the end", async () => {
    const place = somewhere({ losesReply: (create) => create === 1, lagMs: minuteMs });
    expect((await place.up()).failures).toEqual([]);
    expect(place.cloud.creates).toBe(5);
    expect(place.cloud.things()).toEqual(["group/a=a", "group/b=a", "subnet=a", "vpc=a"]);
    expect(place.events.filter(({ action, phase }) => action === "remove" && phase === "done")).toHaveLength(1);
  });

  test("of a change leads to a look, and to another try only where it was not done", async () => {
    const place = somewhere();
    await place.up();
    let tries = 0;
    const [vpc, ...others] = place.kinds;
    const lossy: FakeKind = {
      ...vpc!,
      async update(...all) {
        tries += 1;
        if (tries > 1) await vpc!.update(...all);
        throw new Uncertain(new Error("socket hang up"));
      },
    };
    const wanted = [wish(lossy, "vpc", [], "b"), ...place.wanted.slice(1)];
    const plan = planUp({ kinds: [lossy, ...others], wanted, found: await readAll(place.kinds, signal) });
    expect((await applyPlan(plan, { clock: place.cloud.clock }, signal)).failures).toEqual([]);
    expect([tries, place.cloud.things()]).toEqual([2, ["group/a=a", "group/b=a", "subnet=a", "vpc=b"]]);
  });

  test("of one that replaces another is not taken for the other, which is listed still", async () => {
    const place = somewhere({ losesReply: (create) => create === 1 });
    place.cloud.put("vpc", "vpc", { isFailed: true });
    const [vpc, ...others] = place.kinds;
    const stale = await vpc!.list(signal);
    const lagging: FakeKind = { ...vpc!, list: async (stop) => [...stale, ...(await vpc!.list(stop))] };
    const wanted = [wish(lagging, "vpc"), ...place.wanted.slice(1)];
    const plan = planUp({ kinds: [lagging, ...others], wanted, found: await readAll(place.kinds, signal) });
    const { failures, stateOf } = await applyPlan(plan, { clock: place.cloud.clock }, signal);
    expect(failures).toEqual([]);
    expect(stateOf(lagging, "vpc")?.label).not.toBe(stale[0]?.label);
    expect(place.cloud.things()).toEqual(["group/a=a", "group/b=a", "subnet=a", "vpc=a"]);
  });

  test("each time again ends with what to do", async () => {
    const place = somewhere({ losesReply: () => true, lagMs: 3_600_000 });
    const { failures, blocked } = await place.up();
    expect(failures).toMatchObject([{ id: "vpc", error: { code: "TIMED_OUT" } }]);
    expect(failures[0]?.error.hint).toContain("run the same command again");
    expect(blocked).toEqual(["subnet", "group/a", "group/b"]);
  });
});

test("a name that is taken by one of ours is adopted, and brought to what is wanted", async () => {
  const place = somewhere({ refused: new Map([["vpc", new CortexError("CONFLICT", "it exists")]]) });
  const plan = planUp({ kinds: place.kinds, wanted: place.wanted, found: new Map() });
  place.cloud.put("vpc", "vpc", { value: "old", busyUntil: minuteMs });
  const { failures } = await applyPlan(plan, { clock: place.cloud.clock }, signal);
  expect(failures).toEqual([]);
  expect(place.cloud.things()).toContain("vpc=a");
});

test("a name that somebody else has fails with what the provider said", async () => {
  const taken = new CortexError("CONFLICT", "the name is taken", { hint: "take another" });
  const { failures } = await somewhere({ refused: new Map([["vpc", taken]]) }).up();
  expect(failures).toEqual([{ id: "vpc", title: "vpc", error: taken }]);
});

describe("one that fails", () => {
  test("keeps back only those that need it", async () => {
    const place = somewhere({ refused: new Map([["group/a", new CortexError("NO_CAPACITY", "no p3.2xlarge")]]) });
    const { failures, blocked } = await place.up();
    expect(failures.map(({ id, error }) => [id, error.code])).toEqual([["group/a", "NO_CAPACITY"]]);
    expect(blocked).toEqual([]);
    expect(place.cloud.things()).toContain("group/b=a");
  });

  test("is told with those that it keeps back, and with the bug behind it", async () => {
    const place = somewhere({ refused: new Map([["subnet", new TypeError("x is undefined")]]) });
    const { failures } = await place.up();
    expect(failures[0]?.error).toMatchObject({ code: "FAILED", message: "subnet: x is undefined" });
    expect(failures[0]?.error.details).toContain("apply.test.ts");
    expect(place.events.filter(({ phase }) => phase === "blocked")).toMatchObject([
      { id: "group/a", detail: "because of subnet" },
      { id: "group/b", detail: "because of subnet" },
    ]);
  });

  test("is removed and made again by the next run", async () => {
    const place = somewhere();
    await place.up();
    const label = place.cloud.put("group", "group/c", { isFailed: true });
    const wanted = [...place.wanted, wish(place.kinds[2]!, "group/c", [place.wanted[1]!])];
    const plan = planUp({ ...place, wanted, found: await readAll(place.kinds, signal) });
    const { failures, stateOf } = await applyPlan(plan, place.cloud, signal);
    expect(failures).toEqual([]);
    expect(stateOf(place.kinds[2]!, "group/c")?.label).not.toBe(label);
    expect(place.cloud.things()).toContain("group/c=a");
  });

  test("to be changed leaves what hangs on it as it was", async () => {
    const place = somewhere();
    await place.up();
    const failing = new CortexError("NOT_AUTHORISED", "may not change it");
    const kinds = [{ ...place.kinds[0]!, update: () => Promise.reject(failing) }, ...place.kinds.slice(1)];
    const changed = { ...wish(kinds[0]!, "vpc", [], "b") };
    const wanted = [changed, ...place.wanted.slice(1)];
    const plan = planUp({ kinds, wanted, found: await readAll(kinds, signal) });
    const { failures, blocked, stateOf } = await applyPlan(plan, place.cloud, signal);
    expect([failures, blocked]).toEqual([[{ id: "vpc", title: "vpc", error: failing }], []]);
    expect(stateOf(kinds[2]!, "group/a")?.value).toBe("a");
  });
});

describe("an abort", () => {
  test("is told to those at work, and nothing new begins", async () => {
    const controller = new AbortController();
    const place = somewhere({ onCall: (call) => call === 12 && controller.abort(new Error("Ctrl-C")) });
    await expect(place.up(controller.signal)).rejects.toThrow("Ctrl-C");
    const { calls } = place.cloud;
    await place.cloud.clock.sleep(60 * minuteMs, signal);
    expect(place.cloud.calls).toBe(calls);
    expect(place.events.filter(({ phase }) => phase === "failed")).toEqual([]);
  });

  test("anywhere, and a second run ends where an uninterrupted one does, with nothing twice", async () => {
    const whole = somewhere();
    await whole.up();
    const { calls } = whole.cloud;
    for (let call = 1; call <= calls; call += 1) {
      const controller = new AbortController();
      const place = somewhere({ onCall: (now) => now === call && controller.abort(new Error("killed")) });
      await place.up(controller.signal).catch(() => {});
      place.cloud.faults = {};
      expect((await place.up()).failures).toEqual([]);
      expect([call, ...place.cloud.things()]).toEqual([call, ...whole.cloud.things()]);
    }
  });

  test("of down anywhere, and a second run leaves nothing", async () => {
    for (let call = 1; ; call += 1) {
      const place = somewhere();
      await place.up();
      const controller = new AbortController();
      const first = place.cloud.calls;
      place.cloud.faults = { onCall: (now) => now === first + call && controller.abort(new Error("killed")) };
      const isWhole = await place.down(controller.signal).then(
        () => true,
        () => false,
      );
      place.cloud.faults = {};
      expect((await place.down()).failures).toEqual([]);
      expect([call, ...place.cloud.things()]).toEqual([call]);
      if (isWhole) break;
    }
  });
});

test("what is kept is changed after all when that which it hangs on came out as another", async () => {
  const place = somewhere();
  await place.up();
  const labels = place.cloud.things();
  // Nobody sees in the plan that the new network has another label: it is made only now.
  const found = await readAll(place.kinds, signal);
  const plan = planUp({ ...place, found: new Map([...found].filter(([name]) => name !== "vpc")) });
  const { failures } = await applyPlan(plan, { clock: place.cloud.clock }, signal);
  expect(failures).toEqual([]);
  expect(place.cloud.things()).toEqual([...labels, "vpc=a"].toSorted());
  const again = await place.up();
  expect(again.failures).toEqual([]);
  expect(place.cloud.things()).toEqual(labels);
});

test("what goes with that which it hangs on is made again, as after a down that was interrupted", async () => {
  const place = somewhere();
  const [vpc, , group] = place.kinds;
  const gone = place.cloud.put("vpc", "vpc", { doing: "removing", busyUntil: minuteMs });
  place.cloud.put("group", "group/a", { doing: "removing", busyUntil: minuteMs });
  const wanted = [place.wanted[0]!, wish(group!, "group/a", [place.wanted[0]!])];
  const found = await readAll(place.kinds, signal);
  // As a provider tells it that does not say of a part that it goes with the whole.
  const parts = found.get("group")!.map((one) => ({ ...one, status: "ready" as const, uses: [gone] }));
  const plan = planUp({ kinds: place.kinds, wanted, found: new Map([...found, ["group", parts]]) });
  expect(plan.steps.map(({ action, id }) => `${action} ${id}`)).toEqual(["replace vpc", "update group/a"]);
  const { failures, stateOf } = await applyPlan(plan, { clock: place.cloud.clock }, signal);
  expect(failures).toEqual([]);
  expect(place.cloud.things()).toEqual(["group/a=a", "vpc=a"]);
  expect(stateOf(group!, "group/a")?.uses).toEqual([stateOf(vpc!, "vpc")?.label]);
});

test("down keeps what is to stay, and removes the rest", async () => {
  const place = somewhere();
  await place.up();
  const found = await readAll(place.kinds, signal);
  const plan = planDown({ kinds: place.kinds, found, kept: ["vpc"] });
  expect((await applyPlan(plan, { clock: place.cloud.clock }, signal)).failures).toEqual([]);
  expect(place.cloud.things()).toEqual(["vpc=a"]);
});

test("what each is doing is told, with how long it takes", async () => {
  const place = somewhere();
  await place.up();
  expect(place.events.filter(({ id }) => id === "group/a")).toMatchObject([
    { phase: "running", action: "create", elapsedMs: 0 },
    { phase: "done", action: "create" },
  ]);
  expect(place.events.find(({ id, phase }) => id === "group/a" && phase === "done")?.elapsedMs).toBeGreaterThan(
    minuteMs,
  );
});

function somewhere(faults: CloudFaults = {}): Place {
  const clock = new VirtualClock();
  const cloud = new FakeCloud(clock, faults);
  const vpc = cloud.kind("vpc", [], { create: 0, remove: 0 });
  const subnet = cloud.kind("subnet", ["vpc"], { create: 5_000, remove: 0 });
  const group = cloud.kind("group", ["subnet"], { create: 2 * minuteMs, remove: minuteMs });
  const kinds = [vpc, subnet, group];
  const network = wish(vpc, "vpc");
  const place = wish(subnet, "subnet", [network]);
  const wanted = [network, place, wish(group, "group/a", [place]), wish(group, "group/b", [place])];
  const events: WalkEvent[] = [];
  const options = { clock, onEvent: (event: WalkEvent) => void events.push(event) };
  return {
    cloud,
    kinds,
    wanted,
    events,
    up: async (stop = signal) => applyPlan(planUp({ kinds, wanted, found: await readAll(kinds, stop) }), options, stop),
    down: async (stop = signal) => applyPlan(planDown({ kinds, found: await readAll(kinds, stop) }), options, stop),
  };
}
