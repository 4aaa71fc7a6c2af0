import { describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../aws/emulator.ts";
import { canBeUnseen } from "../aws/shim/consistency.ts";
import type { FaultKind } from "../aws/shim/faults.ts";
import { choose } from "./support/choose.ts";
import { cleanRun, operationsOf } from "./support/clean-run.ts";
import { down, shortTimes, up } from "./support/cluster-run.ts";

const clean = await cleanRun();
const changes = operationsOf(clean.up, ({ isRead }) => !isRead);
const removals = operationsOf(clean.down, ({ isRead }) => !isRead);
const reads = operationsOf([...clean.up, ...clean.down], ({ isRead }) => isRead);

/** What a run gets over by itself. */
const passing: readonly FaultKind[] = ["throttle", "error", "unavailable", "reset", "lostReply", "timeout"];
/** What it must tell and can only get over when it is run again. */
const lasting: readonly FaultKind[] = ["denied", "quota"];

interface Case {
  readonly kind: FaultKind;
  readonly ops: readonly string[];
}

/** What was done although it seems to have failed: each alone. What was not done: a few in one run. */
const cases: readonly Case[] = [
  ...[...new Set([...changes, ...removals])].flatMap((op) => [alone("lostReply", op), alone("timeout", op)]),
  ...changes.filter(canHide).map((op) => alone("notFoundAfterCreate", op)),
  ...removals.filter(hangsTogether).map((op) => alone("dependency", op)),
  ...(["throttle", "error"] as const).flatMap((kind) =>
    inGroups([...new Set([...changes, ...removals, ...reads])], 4).map((ops) => ({ kind, ops })),
  ),
];

describe("a call that fails for a while", () => {
  test.each(choose(cases, 12))(
    "$kind, $ops: changes nothing about what comes of it",
    {
      timeout: 300_000,
    },
    async ({ kind, ops }) => {
      await using emulator = await startEmulator({ times: shortTimes });
      const first = kind === "throttle" || kind === "dependency" ? 3 : 1;
      for (const op of ops) emulator.faults.add({ op, kind, first });
      await bringAndTakeAway(emulator, kind === "timeout" ? 2_000 : undefined);
    },
  );
});

describe("the first call of every operation", () => {
  test.each(passing.map((kind) => ({ kind })))(
    "$kind: changes nothing about what comes of it",
    { timeout: 300_000 },
    async ({ kind }) => {
      await using emulator = await startEmulator({ times: shortTimes });
      for (const op of new Set([...changes, ...removals])) emulator.faults.add({ op, kind });
      await bringAndTakeAway(emulator, kind === "timeout" ? 2_000 : undefined);
    },
  );
});

describe("a call that is refused for good", () => {
  test.each(lasting.map((kind) => ({ kind })))(
    "$kind: is told, and the next run goes on from there",
    { timeout: 600_000 },
    async ({ kind }) => {
      await using emulator = await startEmulator({ times: shortTimes });
      const refusable = kind === "quota" ? changes.filter((op) => /:(Create|Allocate)/.test(op)) : changes;
      for (const op of choose(refusable, 6)) {
        using fault = emulator.faults.add({ op, kind, first: 1_000 });
        const failures = await up(emulator, { client: emulator.client() });
        if (fault.met > 0)
          expect([op, failures.map(({ error }) => error.code)]).toEqual([op, expect.arrayContaining([codes[kind]])]);
      }
      await bringAndTakeAway(emulator);
    },
  );

  test.each(["eks:CreateNodegroup", "ec2:CreateNatGateway", "ec2:AllocateAddress"])(
    "%s without capacity: is told with AWS's cause, and the next run goes on from there",
    { timeout: 300_000 },
    async (op) => {
      await using emulator = await startEmulator({ times: shortTimes });
      using _ = emulator.faults.add({ op, kind: "capacity", first: 1_000 });
      const failures = await up(emulator, { client: emulator.client() });
      expect(failures.length).toBe(1);
      expect(failures[0]!.error.code).toBe("NO_CAPACITY");
      emulator.faults.clear();
      await bringAndTakeAway(emulator);
    },
  );
});

describe("everything at once", () => {
  test("half of all calls throttled: changes nothing about what comes of it", { timeout: 300_000 }, async () => {
    await using emulator = await startEmulator({ times: shortTimes });
    emulator.faults.add({ op: "*", kind: "throttle", rate: 0.5, seed: 7 });
    await bringAndTakeAway(emulator);
  });

  test("nothing that is made is seen at once: changes nothing about what comes of it", {
    timeout: 300_000,
  }, async () => {
    await using emulator = await startEmulator({ times: shortTimes });
    for (const op of changes.filter(canHide)) emulator.faults.add({ op, kind: "notFoundAfterCreate", first: 1_000 });
    await bringAndTakeAway(emulator);
  });

  test("AWS's clock ten minutes ahead: changes nothing about what comes of it", { timeout: 300_000 }, async () => {
    await using emulator = await startEmulator({ times: shortTimes });
    emulator.setSkew(10 * 60_000);
    await bringAndTakeAway(emulator);
  });
});

const codes: Readonly<Partial<Record<FaultKind, string>>> = { denied: "NOT_AUTHORISED", quota: "NO_CAPACITY" };

async function bringAndTakeAway(emulator: Emulator, tryForMs?: number): Promise<void> {
  const options = () => ({ client: emulator.client(), ...(tryForMs !== undefined && { tryForMs }) });
  expect(messagesOf(await up(emulator, options()))).toEqual([]);
  expect(await emulator.inventory.names()).toEqual(clean.names);
  expect(messagesOf(await down(emulator, options()))).toEqual([]);
  expect(await emulator.inventory.names()).toEqual([]);
}

function messagesOf(failures: Awaited<ReturnType<typeof up>>): readonly string[] {
  return failures.map(({ id, error }) => `${id}: ${error.message}`);
}

function alone(kind: FaultKind, op: string): Case {
  return { kind, ops: [op] };
}

function inGroups<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
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
