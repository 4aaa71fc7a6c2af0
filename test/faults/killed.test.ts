import { once } from "node:events";
import { DeleteObjectCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../aws/emulator.ts";
import type { Call } from "../aws/shim/call-log.ts";
import { choose } from "./support/choose.ts";
import { cleanRun } from "./support/clean-run.ts";
import { down, shortTimes, up } from "./support/cluster-run.ts";

const clean = await cleanRun();
/** A command that is killed after a call that only looks leaves what one leaves that is killed after the change before it. */
const changesAt = (calls: readonly Call[]) => calls.flatMap(({ isRead }, index) => (isRead ? [] : [index + 1]));
const points = [...new Set([1, ...changesAt(clean.up), ...changesAt(clean.down)])].sort((one, other) => one - other);

describe("a command that is killed", () => {
  test.each(choose(points, 10))(
    "at its call %i and is run again brings the same cluster, and takes all of it away",
    { timeout: 300_000 },
    async (point) => {
      await using emulator = await startEmulator({ times: shortTimes });
      await killed(emulator, point, up);
      expect(messagesOf(await up(emulator, { client: emulator.client() }))).toEqual([]);
      expect(await emulator.inventory.names()).toEqual(clean.names);

      await killed(emulator, point, down);
      expect(messagesOf(await down(emulator, { client: emulator.client() }))).toEqual([]);
      expect(await emulator.inventory.names()).toEqual([]);
    },
  );
});

/** Runs a command whose process dies with its n-th call; it may have ended before that. */
async function killed(emulator: Emulator, point: number, command: typeof up): Promise<void> {
  const client = emulator.client();
  client.killAt(point, "after");
  const run = command(emulator, { client }).catch((error: unknown) => {
    if (!client.dead.aborted) throw error;
  });
  // What is left of it here may still try to tidy up, and is not waited for, as nothing of a dead process is.
  await Promise.race([run, once(client.dead, "abort")]);
  if (client.dead.aborted) await endLease(emulator);
}

/** What the next command does by itself after a process that has died on the same machine, which this one has not. */
async function endLease(emulator: Emulator): Promise<void> {
  const { s3 } = emulator.moto();
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  for (const { Name: Bucket } of Buckets) await s3.send(new DeleteObjectCommand({ Bucket, Key: "lease.json" }));
}

function messagesOf(failures: Awaited<ReturnType<typeof up>>): readonly string[] {
  return failures.map(({ id, error }) => `${id}: ${error.message}`);
}
