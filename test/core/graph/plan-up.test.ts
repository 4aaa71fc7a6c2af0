import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CortexError } from "../../../src/core/errors.ts";
import { type PlannedChange, realChanges, unseenChanges } from "../../../src/core/graph/plan.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import type { Found } from "../../../src/core/graph/resource.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { FakeCloud, type FakeState, wish } from "./fake-cloud.ts";

const cloud = new FakeCloud(new VirtualClock());
const instant = { create: 0, update: 0, remove: 0 };
const vpc = cloud.kind("vpc", [], instant);
const subnet = cloud.kind("subnet", ["vpc"], instant);
const nat = cloud.kind("nat", ["subnet"], instant);
const routes = cloud.kind("routes", ["nat"], instant);
const kinds = [vpc, subnet, nat, routes];
const network = wish(vpc, "vpc");
const zone = (name: string) => wish(subnet, `subnet/${name}`, [network]);

describe("a plan", () => {
  test("makes what is missing, each after what it needs, in whatever order it is wished for", () => {
    const plan = planUp({ kinds, wanted: [zone("a"), zone("b"), network], found: new Map() });
    expect(told(plan.steps)).toEqual(["create vpc", "create subnet/a", "create subnet/b"]);
    expect(plan.steps[1]).toMatchObject({ needs: ["vpc"], title: "subnet", expectedMs: 120 });
  });

  test("keeps what is as it should be, and updates what differs", () => {
    const wanted = [network, wish(subnet, "subnet/a", [network], "b")];
    const plan = planUp({
      kinds,
      wanted,
      found: foundAs({ vpc: [at("vpc", "v")], subnet: [at("subnet/a", "s", ["v"])] }),
    });
    expect(told(plan.steps)).toEqual(["keep vpc", "update subnet/a"]);
    expect(plan.steps[1]?.differences).toEqual([{ field: "subnet/a.value", from: "a", to: "b" }]);
  });

  test("replaces what failed with its cause, and what is on its way out", () => {
    const failed = at("subnet/a", "s1", ["v"], { status: "failed", cause: "no capacity" });
    const going = at("subnet/b", "s2", ["v"], { status: "removing" });
    const found = foundAs({ vpc: [at("vpc", "v")], subnet: [failed, going] });
    const plan = planUp({ kinds, wanted: [network, zone("a"), zone("b")], found });
    expect(told(plan.steps)).toEqual(["keep vpc", "replace subnet/a", "replace subnet/b"]);
    expect(plan.steps.map(({ detail }) => detail)).toEqual([undefined, "no capacity", "it is being removed"]);
  });

  test("waits for what an interrupted run has begun", () => {
    const making = at("subnet/a", "s", ["v"], { status: "making" });
    const found = foundAs({ vpc: [at("vpc", "v", [], { status: "changing" })], subnet: [making] });
    expect(told(planUp({ kinds, wanted: [network, zone("a")], found }).steps)).toEqual([
      "settle vpc",
      "settle subnet/a",
    ]);
  });

  test("looks again at what hangs on something that is made anew", () => {
    const found = foundAs({ subnet: [at("subnet/a", "s", ["gone"])] });
    const plan = planUp({ kinds, wanted: [network, zone("a")], found });
    expect(told(plan.steps)).toEqual(["create vpc", "update subnet/a"]);
    expect(plan.steps[1]?.detail).toBe("after vpc");
    const late = planUp({
      kinds,
      wanted: [network, zone("a"), wish(nat, "nat/a", [network, zone("a")])],
      found: foundAs({ vpc: [at("vpc", "v")], nat: [at("nat/a", "n", ["v", "gone"])] }),
    });
    expect(late.steps.find(({ id }) => id === "nat/a")?.detail).toBe("after subnet a");
  });

  test("names every field that cannot be changed at once, with its place", () => {
    const wanted = ["a", "b"].map((name) => wish(vpc, `vpc/${name}`, [], "c", true));
    const found = foundAs({ vpc: [at("vpc/a", "v1"), at("vpc/b", "v2")] });
    const placeOf = (field: string) => ({ file: "cluster.yaml", line: field.length, column: 1 });
    const error = caught(() => planUp({ kinds, wanted, found, placeOf }));
    expect(error).toMatchObject({
      code: "NOT_SUPPORTED",
      message: "2 fields cannot be changed of a cluster that exists",
      problems: [
        { message: "vpc/a.value is a and cannot become c", hint: "make another", at: { file: "cluster.yaml" } },
        { message: "vpc/b.value is a and cannot become c" },
      ],
    });
  });

  test("is none where something cannot be changed, whatever of the rest is missing", () => {
    const wanted = [network, wish(subnet, "subnet/a", [network]), wish(nat, "nat/a", [zone("a")], "b", true)];
    fc.assert(
      fc.property(fc.subarray(["vpc", "subnet/a"]), (there) => {
        const found = foundAs({
          vpc: there.includes("vpc") ? [at("vpc", "v")] : [],
          subnet: there.includes("subnet/a") ? [at("subnet/a", "s", ["v"])] : [],
          nat: [at("nat/a", "n", ["s"])],
        });
        const error = caught(() => planUp({ kinds, wanted, found }));
        expect(error).toMatchObject({ code: "NOT_SUPPORTED", message: "nat/a.value is a and cannot become b" });
      }),
    );
  });

  test("goes beyond one that was shown where it does something that nobody agreed to", () => {
    const wanted = [network, wish(subnet, "subnet/a", [network], "b")];
    const planned = (found: Parameters<typeof foundAs>[0]) => planUp({ kinds, wanted, found: foundAs(found) }).steps;
    const nothing = planned({});
    const half = planned({ vpc: [at("vpc", "v")], subnet: [at("subnet/a", "s", ["v"])] });
    const begun = planned({ vpc: [at("vpc", "v", [], { status: "making" })], subnet: [at("subnet/b", "s", ["v"])] });
    expect(told(unseenChanges(nothing, half))).toEqual([]);
    expect(told(unseenChanges(half, nothing))).toEqual(["create vpc", "create subnet/a"]);
    expect(told(unseenChanges(nothing, begun))).toEqual(["remove subnet/b"]);
    const moved = planned({ vpc: [at("vpc", "v")], subnet: [at("subnet/a", "s", ["w"])] });
    expect(told(unseenChanges(half, moved))).toEqual(["update subnet/a"]);
  });
});

describe("what is too many", () => {
  test("goes last: after all that is wanted of its kind, and of the kinds that hang on it", () => {
    const wantedNat = wish(nat, "nat/a", [zone("a")]);
    const wanted = [network, zone("a"), wantedNat, wish(routes, "routes/a", [wantedNat])];
    const found = foundAs({ nat: [at("nat/b", "n")], subnet: [at("subnet/b", "s")] });
    const { steps } = planUp({ kinds, wanted, found });
    expect(
      realChanges(steps)
        .map(({ id }) => id)
        .slice(-2),
    ).toEqual(["nat/b", "subnet/b"]);
    expect(needsOf(steps, "nat/b")).toEqual(["nat/a", "routes/a"]);
    expect(needsOf(steps, "subnet/b")).toEqual(["subnet/a", "nat/a", "routes/a", "nat/b"]);
  });

  test("goes first where what it hangs on is made anew, which cannot be removed before", () => {
    const found = foundAs({
      vpc: [at("vpc", "v", [], { status: "failed" })],
      subnet: [at("subnet/old", "s", ["v"])],
      nat: [at("nat/old", "n", ["s"])],
    });
    const { steps } = planUp({ kinds, wanted: [network, zone("a")], found });
    expect(told(steps)).toEqual(["remove nat/old", "remove subnet/old", "replace vpc", "create subnet/a"]);
  });

  test("of two with the same id is the younger one, unless others hang on it", () => {
    const [old, young] = [at("vpc", "v1", [], { createdAt: 1 }), at("vpc", "v2", [], { createdAt: 2 })];
    const unused = planUp({ kinds, wanted: [network], found: foundAs({ vpc: [young, old] }) });
    expect(told(unused.steps)).toEqual(["keep vpc", "remove vpc v2"]);
    const used = foundAs({ vpc: [young, old], subnet: [at("subnet/a", "s", ["v2"])] });
    expect(told(planUp({ kinds, wanted: [network, zone("a")], found: used }).steps)).toEqual([
      "keep vpc",
      "keep subnet/a",
      "remove vpc v1",
    ]);
  });

  test("is never one that works instead of one that failed", () => {
    const failed = at("vpc", "v1", [], { createdAt: 1, status: "failed" });
    const works = at("vpc", "v2", [], { createdAt: 2 });
    const { steps } = planUp({ kinds, wanted: [network], found: foundAs({ vpc: [failed, works] }) });
    expect(told(steps)).toEqual(["keep vpc", "remove vpc v1"]);
  });
});

describe("a bug in what is wished for is said, not worked around:", () => {
  test.each([
    ["a need that is not wanted", [zone("a")], "subnet/a needs vpc, which is not there"],
    ["an id that is there twice", [network, network], "there are two of vpc"],
    ["a circle", [{ ...network, needs: ["subnet/a"] }, zone("a")], "needs form a circle: vpc -> subnet/a -> vpc"],
  ])("%s", (_, wanted, message) => {
    expect(() => planUp({ kinds, wanted, found: new Map() })).toThrow(message);
  });

  test("a kind that is not among the kinds", () => {
    expect(() => planUp({ kinds: [subnet], wanted: [network], found: new Map() })).toThrow("vpc is none of the kinds");
  });
});

function at(id: string, label: string, uses: readonly string[] = [], part: Partial<Found<FakeState>> = {}) {
  return { id, label, uses, state: { label, value: "a", uses }, status: "ready", ...part } as const;
}

function foundAs(all: Readonly<Record<string, readonly Found<FakeState>[]>>) {
  return new Map(Object.entries(all));
}

function told(steps: readonly PlannedChange[]): readonly string[] {
  return steps.map(({ action, id }) => `${action} ${id}`);
}

function needsOf(steps: readonly PlannedChange[], id: string): readonly string[] | undefined {
  return steps.find((step) => step.id === id)?.needs;
}

function caught(run: () => unknown): CortexError {
  try {
    run();
  } catch (error) {
    if (error instanceof CortexError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
