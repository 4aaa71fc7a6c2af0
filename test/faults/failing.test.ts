import { describe, expect, test } from "vitest";
import { canBeUnseen } from "../aws/shim/consistency.ts";
import type { FaultKind } from "../aws/shim/faults.ts";
import { bring, bringAndTakeAway, takeAway } from "./support/bring.ts";
import { choose, inGroups, timeout } from "./support/choose.ts";
import { cleanRun, isChange, operationsOf } from "./support/clean-run.ts";
import { privateScene } from "./support/scenes.ts";
import { startStage } from "./support/stage.ts";

const clean = await cleanRun(privateScene);
const changes = operationsOf(clean.up, isChange);
const removals = operationsOf(clean.down, isChange);
const allChanges = [...new Set([...changes, ...removals])];
const reads = operationsOf([...clean.up, ...clean.down], ({ isRead }) => isRead);

/**
 * What a call that is never answered waits for, in real time: far longer than any answer takes, also where much else runs beside.
 * The tests wait for it at the same time.
 */
const tryForMs = 20_000;

interface Case {
  readonly kind: FaultKind;
  readonly ops: readonly string[];
  readonly names: string;
}

/** A few operations in one run, each of which one call fails of; more of those that were not done. */
const cases: readonly Case[] = [
  ...(["lostReply", "timeout"] as const).flatMap((kind) => together(kind, allChanges, 4)),
  ...together("notFoundAfterCreate", changes.filter(canHide), 4),
  ...together("dependency", removals.filter(hangsTogether), 4),
  ...(["throttle", "error"] as const).flatMap((kind) => together(kind, [...new Set([...allChanges, ...reads])], 8)),
];

describe("a call that fails for a while", { concurrent: true }, () => {
  test.each(choose(cases, 6))("$kind, $names: changes nothing about what comes of it", { timeout }, async (one) => {
    await using stage = await startStage(privateScene);
    const { kind } = one;
    const first = kind === "throttle" || kind === "dependency" ? 3 : 1;
    const faults = one.ops.map((op) => stage.emulator.faults.add({ op, kind, first }));
    await bringAndTakeAway(stage, clean, kind === "timeout" ? { tryForMs } : {});
    expect(faults.map(({ met }) => met > 0)).toEqual(faults.map(() => true));
  });
});

/** What a run gets over by itself. */
const passing: readonly FaultKind[] = ["throttle", "error", "unavailable", "reset", "lostReply", "timeout"];
const most = Math.max(...[clean.up, clean.down].flatMap((calls) => allChanges.map((op) => countOf(op, calls))));
const everyNth = Array.from({ length: most }, (_, index) => index + 1).flatMap((nth) =>
  passing.map((kind) => ({ kind, nth })),
);

describe("of every operation that changes something", { concurrent: true }, () => {
  test.each(choose(everyNth, 2))(
    "call $nth, $kind: changes nothing about what comes of it",
    { timeout },
    async ({ kind, nth }) => {
      const options = kind === "timeout" ? { tryForMs } : {};
      await using stage = await startStage(privateScene);
      const { faults } = stage.emulator;
      for (const op of changes) faults.add({ op, kind, nth });
      await bring(stage, clean, options);
      faults.clear();
      for (const op of removals) faults.add({ op, kind, nth });
      await takeAway(stage, options);
    },
  );
});

describe("everything at once", { concurrent: true }, () => {
  test("half of all calls throttled: changes nothing about what comes of it", { timeout }, async () => {
    await using stage = await startStage(privateScene);
    stage.emulator.faults.add({ op: "*", kind: "throttle", rate: 0.5, seed: 7 });
    await bringAndTakeAway(stage, clean);
  });

  test("nothing that is made is seen at once: changes nothing about what comes of it", { timeout }, async () => {
    await using stage = await startStage(privateScene);
    for (const op of changes.filter(canHide))
      stage.emulator.faults.add({ op, kind: "notFoundAfterCreate", first: 1_000 });
    await bringAndTakeAway(stage, clean);
  });

  test("AWS's clock ten minutes ahead: changes nothing about what comes of it", { timeout }, async () => {
    await using stage = await startStage(privateScene);
    stage.emulator.setSkew(10 * 60_000);
    await bringAndTakeAway(stage, clean);
  });
});

function together(kind: FaultKind, all: readonly string[], size: number): readonly Case[] {
  return inGroups(all, size).map((ops) => ({ kind, ops, names: ops.join(", ") }));
}

function countOf(op: string, calls: typeof clean.up): number {
  return calls.filter(({ name }) => name === op).length;
}

function canHide(name: string): boolean {
  const [service = "", operation = ""] = name.split(":");
  return canBeUnseen({ service, operation });
}

/** Whether AWS may refuse it because something that is just going away still hangs on it. */
function hangsTogether(name: string): boolean {
  return /^ec2:(Delete(Subnet|SecurityGroup|Vpc|InternetGateway|RouteTable)|DetachInternetGateway|ReleaseAddress)$/.test(
    name,
  );
}
