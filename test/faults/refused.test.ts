import { describe, expect, test } from "vitest";
import type { Call } from "../aws/shim/call-log.ts";
import type { FaultKind } from "../aws/shim/faults.ts";
import { bring, bringAndTakeAway, takeAway } from "./support/bring.ts";
import { choose, inGroups, timeout } from "./support/choose.ts";
import { cleanRun, isChange, operationsOf } from "./support/clean-run.ts";
import { privateScene } from "./support/scenes.ts";
import { type Command, startStage } from "./support/stage.ts";

const clean = await cleanRun(privateScene);
const changes = operationsOf(clean.up, isChange);

const codes: Readonly<Partial<Record<FaultKind, string>>> = { denied: "NOT_AUTHORISED", quota: "NO_CAPACITY" };

const refusedChanges = [
  ...changes.map((op) => ({ command: "up" as Command, kind: "denied" as FaultKind, op })),
  ...operationsOf(clean.down, isChange).map((op) => ({
    command: "down" as Command,
    kind: "denied" as FaultKind,
    op,
  })),
  ...changes
    .filter((op) => /:(Create|Allocate|Associate|Attach)/.test(op))
    .map((op) => ({ command: "up" as Command, kind: "quota" as FaultKind, op })),
];

describe("a change that is refused for good", { concurrent: true }, () => {
  test.each(choose(refusedChanges, 6))(
    "$command, $kind, $op: is told, and the next run goes on from there",
    { timeout },
    async ({ command, kind, op }) => {
      await using stage = await startStage(privateScene);
      if (command === "down") await bring(stage, clean);
      using fault = stage.emulator.faults.add({ op, kind, first: 1_000 });
      const { codes: told } = await stage.run(command);
      expect([fault.met > 0, told]).toEqual([true, expect.arrayContaining([codes[kind]])]);
      stage.emulator.faults.clear();
      // Who may not remove objects cannot give the lease back either.
      if (op === "s3:DeleteObject") await stage.endLease();
      if (command === "up") await bring(stage, clean);
      await takeAway(stage);
    },
  );
});

const refusedReads = (["up", "down"] as const).flatMap((command) => {
  const ops = operationsOf(clean[command], ({ isRead }) => isRead);
  return inGroups(choose(ops, 4), 8).map((group) => ({ command, ops: group, names: group.join(", ") }));
});
/** Of a bucket that belongs to somebody else S3 answers the same as of one that a right is missing for. */
const isOfRights = (op: string, code: string) => code === "NOT_AUTHORISED" || (/^s3:/.test(op) && code === "CONFLICT");
const isRealChange = (call: Call) => isChange(call) && !/^s3:(Put|Delete)Object$/.test(call.name);

describe("a look that is refused for good", { concurrent: true }, () => {
  test.each(refusedReads)(
    "$command, $names: is told or done without, and the next run goes on from there",
    { timeout },
    async ({ command, ops }) => {
      await using stage = await startStage(privateScene);
      if (command === "down") await bring(stage, clean);
      for (const op of ops) {
        const fault = stage.emulator.faults.add({ op, kind: "denied", first: 1_000 });
        const { codes: told, failed, calls } = await stage.run(command);
        stage.emulator.faults.clear();
        expect([op, fault.met > 0, failed, told.every((code) => isOfRights(op, code))]).toEqual([
          op,
          true,
          failed,
          true,
        ]);
        // Where nothing has been done but for the lease, the next run is the same as this one.
        if (!calls.some(isRealChange)) continue;
        // Who says that all is well must be right.
        if (told.length === 0) expect([op, await stage.names()]).toEqual([op, command === "up" ? clean.names : []]);
        if (command === "up") await bring(stage, clean);
        await takeAway(stage);
        if (command === "down") await bring(stage, clean);
      }
      await takeAway(stage);
    },
  );
});

const scarce = changes.filter((op) =>
  ["eks:CreateNodegroup", "ec2:CreateNatGateway", "ec2:AllocateAddress"].includes(op),
);

describe("what AWS has none of", { concurrent: true }, () => {
  test.each(scarce)("%s: is told with AWS's cause, and the next run goes on from there", { timeout }, async (op) => {
    await using stage = await startStage(privateScene);
    using _ = stage.emulator.faults.add({ op, kind: "capacity", first: 1_000 });
    expect((await stage.up()).codes).toEqual(["NO_CAPACITY"]);
    stage.emulator.faults.clear();
    await bringAndTakeAway(stage, clean);
  });
});

/** What hangs on what is still going away: AWS refuses every removal so, a few of them also for long. */
const removals = operationsOf(clean.down, isChange).filter((op) => /:(Delete|Detach|Release|Disassociate)/.test(op));

describe("a removal that something hangs on for long", { concurrent: true }, () => {
  test.each(choose(removals, 2))("%s: is told or waited for, and the next run removes it", { timeout }, async (op) => {
    await using stage = await startStage(privateScene);
    await bring(stage, clean);
    using fault = stage.emulator.faults.add({ op, kind: "dependency", first: 1_000 });
    const { failed } = await stage.down();
    stage.emulator.faults.clear();
    expect(fault.met).toBeGreaterThan(0);
    if (failed.length === 0) expect(await stage.traces()).toEqual([]);
    await takeAway(stage);
  });
});
