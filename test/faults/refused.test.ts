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

interface Refusal {
  readonly kind: FaultKind;
  readonly op: string;
}

const of = (kind: FaultKind, ops: readonly string[]): readonly Refusal[] => ops.map((op) => ({ kind, op }));
const upRefusals = [
  ...of("denied", changes),
  ...of(
    "quota",
    changes.filter((op) => /:(Create|Allocate|Associate|Attach)/.test(op)),
  ),
];
const removals = operationsOf(clean.down, isChange);
/** Not only what AWS refuses while something that hangs on it is just going away: whatever it may refuse so, and for ever. */
const downRefusals = [
  ...of("denied", removals),
  ...of(
    "dependency",
    removals.filter((op) => /:(Delete|Detach|Release|Disassociate)/.test(op)),
  ),
];
/** One of `up` and one of `down`: between the two the cluster is brought, whole. */
const refusals = Array.from({ length: Math.max(upRefusals.length, downRefusals.length) }, (_, index) => {
  const [up, down] = [upRefusals[index], downRefusals[index]];
  const what = [up && `${up.kind} at ${up.op}`, down && `${down.kind} at ${down.op}`].filter(Boolean).join(", then ");
  return { what, up, down };
});
const codes: Readonly<Partial<Record<FaultKind, string>>> = { denied: "NOT_AUTHORISED", quota: "NO_CAPACITY" };

describe("a change that is refused for good", { concurrent: true }, () => {
  test.each(choose(refusals, 3))("$what: is told, and the next run goes on from there", { timeout }, async (one) => {
    await using stage = await startStage(privateScene);
    const runRefused = async (command: Command, { kind, op }: Refusal) => {
      const fault = stage.emulator.faults.add({ op, kind, first: 1_000 });
      const { codes: told } = await stage.run(command);
      stage.emulator.faults.clear();
      expect([op, fault.met > 0]).toEqual([op, true]);
      // A lease that cannot be given back expires by itself: all that was to be done is done.
      const code = op === "s3:DeleteObject" ? undefined : codes[kind];
      if (code !== undefined) expect([op, told]).toEqual([op, expect.arrayContaining([code])]);
      if (op === "s3:DeleteObject") await stage.endLease();
      return told;
    };
    if (one.up) await runRefused("up", one.up);
    await bring(stage, clean);
    const told = one.down && (await runRefused("down", one.down));
    if (told?.length === 0) expect(await stage.traces()).toEqual([]);
    await takeAway(stage);
  });
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
