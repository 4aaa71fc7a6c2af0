import { once } from "node:events";
import { DeleteObjectCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { describe, test } from "vitest";
import { policiesFor } from "../../../src/cluster/policies.ts";
import { rightsScopeOf } from "../../../src/core/cloud-rights.ts";
import type { Emulator } from "../../aws/emulator.ts";
import { lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";
import { profile } from "../support/profile.ts";

const minutes = 60_000;

/** What the next command does by itself after a process that has died on the same machine, which this one has not. */
async function endLease(emulator: Emulator): Promise<void> {
  const { s3 } = emulator.moto();
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  for (const { Name: Bucket } of Buckets) await s3.send(new DeleteObjectCommand({ Bucket, Key: "lease.json" }));
}

describe.concurrent("who has no more than the policy of `down`", { timeout: 8 * minutes }, () => {
  test.for([
    // Before it has any tag.
    "s3:CreateBucket",
    "iam:CreateRole",
    "ec2:CreateNatGateway",
    "eks:CreateNodegroup",
  ])("removes what an `up` leaves that is killed with its %s", async (op, { expect }) => {
    await using place = await lifecyclePlace();
    const { emulator, me } = place;
    const cluster = await smallCluster("nat_gateway: single\n");
    const client = emulator.client();
    client.killAt(1, "after", op);
    const dead = once(client.dead, "abort");
    const run = place.operator(client.variables).up(cluster);
    await Promise.race([dead, run.catch(() => dead)]);
    await endLease(emulator);
    expect(await emulator.inventory.names()).not.toEqual([]);
    const scope = { ...rightsScopeOf(cluster), accountId: emulator.account };
    const refused = emulator.allowOnly(policiesFor(["down"], scope));
    expect((await me.down(cluster)).outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(refused).toEqual([]);
    expect(await emulator.inventory.names()).toEqual([]);
  });
});

describe.concurrent("a cluster that is being removed", { timeout: 8 * minutes }, () => {
  test("is changed and removed by nobody else meanwhile, and goes", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { emulator, me } = place;
    const other = place.operator(emulator.client().variables);
    const cluster = await smallCluster();
    expect((await me.up(cluster)).outcome.failures).toEqual([]);
    const hold = emulator.holds.add("eks:DeleteNodegroup", 1);
    const running = me.down(cluster);
    await hold.reached;
    const refused = {
      code: "CONFLICT",
      message: expect.stringContaining("is changing this cluster (cortex cluster down"),
    };
    await expect(other.down(cluster)).rejects.toMatchObject(refused);
    const [cpu] = cluster.node_groups;
    await expect(other.up({ ...cluster, node_groups: [{ ...cpu!, max_instances: 9 }] })).rejects.toMatchObject(refused);
    hold.release();
    expect((await running).outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(await emulator.inventory.names()).toEqual([]);
  });

  test("by somebody whose credentials are renewed meanwhile goes, and nobody notices", async ({ expect }) => {
    await using place = await lifecyclePlace();
    await using work = await profile();
    const { emulator } = place;
    const [first, second] = [emulator.client(), emulator.client()];
    await work.holds(first);
    const me = place.operator(work.variablesOf(first));
    const cluster = await smallCluster();
    expect((await me.up(cluster)).outcome.failures).toEqual([]);
    const hold = emulator.holds.add("eks:DeleteNodegroup", 1);
    const running = me.down(cluster);
    await hold.reached;
    await work.holds(second);
    first.expire();
    hold.release();
    expect((await running).outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(second.calls).toBeGreaterThan(0);
  });

  test("by somebody whose credentials expire is gone on with after the next log-in", async ({ expect }) => {
    await using place = await lifecyclePlace();
    await using work = await profile();
    const { emulator } = place;
    const [first, second] = [emulator.client(), emulator.client()];
    await work.holds(first);
    const me = place.operator(work.variablesOf(first));
    const cluster = await smallCluster();
    expect((await me.up(cluster)).outcome.failures).toEqual([]);
    const hold = emulator.holds.add("eks:DeleteNodegroup", 1);
    const running = me.down(cluster).then(
      ({ outcome }) => outcome.failures.map(({ error }) => error as unknown),
      (error: unknown) => [error],
    );
    await hold.reached;
    first.expire();
    hold.release();
    const errors = await running;
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) {
      expect(error).toMatchObject({
        code: "NOT_AUTHORISED",
        hint: "log in again (aws sso login --profile work), and run the same command again: it goes on where it stopped",
      });
    }
    await work.holds(second);
    // The process that holds the lease still runs: it has to expire.
    await emulator.clock.sleep(5 * minutes, never);
    const again = place.operator(work.variablesOf(second));
    expect((await again.down(cluster)).outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(await emulator.inventory.names()).toEqual([]);
  });
});
