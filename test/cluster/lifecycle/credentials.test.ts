import { describe, test } from "vitest";
import { lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";
import { profile } from "../support/profile.ts";

const minutes = 60_000;

describe.concurrent("credentials that expire while a cluster is made", { timeout: 5 * minutes }, () => {
  test("are read again where they come from, and nobody notices", async ({ expect }) => {
    await using place = await lifecyclePlace();
    await using work = await profile();
    const { emulator } = place;
    const [first, second] = [emulator.client(), emulator.client()];
    await work.holds(first);
    const me = place.operator(work.variablesOf(first));
    const hold = emulator.holds.add("eks:CreateCluster", 1);
    const running = me.up(await smallCluster());
    await hold.reached;
    first.expire();
    await work.holds(second);
    hold.release();
    expect((await running).outcome.failures).toEqual([]);
    expect(second.calls).toBeGreaterThan(0);
  });

  test("end it with a word how to log in, and it goes on where it stopped", async ({ expect }) => {
    await using place = await lifecyclePlace();
    await using work = await profile();
    const { emulator } = place;
    const [first, second] = [emulator.client(), emulator.client()];
    await work.holds(first);
    const me = place.operator(work.variablesOf(first));
    const cluster = await smallCluster();
    const hold = emulator.holds.add("eks:CreateCluster", 1);
    const running = me.up(cluster).catch((error: unknown) => ({ outcome: { failures: [{ error }] } }));
    await hold.reached;
    first.expire();
    hold.release();
    const { failures } = (await running).outcome;
    expect(failures.length).toBeGreaterThan(0);
    for (const { error } of failures) {
      expect(error).toMatchObject({
        code: "NOT_AUTHORISED",
        message: "the AWS credentials of profile work have expired",
        hint: "log in again (aws sso login --profile work), and run the same command again: it goes on where it stopped",
      });
    }
    await work.holds(second);
    // Without credentials the lease could not be given back, and the process that had it still runs: it has to expire.
    await emulator.clock.sleep(5 * minutes, never);
    const again = place.operator(work.variablesOf(second));
    expect((await again.up(cluster)).outcome.failures).toEqual([]);
    expect(emulator.calls.of("eks:CreateCluster").filter(({ status }) => status === 200)).toHaveLength(1);
    expect(emulator.calls.of("ec2:CreateVpc")).toHaveLength(1);
    expect((await again.down(cluster)).outcome).toMatchObject({ failures: [], left: [] });
  });
});

test("a clock that is two hours wrong makes no difference to a cluster", { timeout: 5 * minutes }, async ({
  expect,
}) => {
  await using place = await lifecyclePlace();
  const { emulator, me } = place;
  emulator.setSkew(2 * 60 * minutes);
  const cluster = await smallCluster();
  expect((await me.up(cluster)).outcome.failures).toEqual([]);
  expect((await me.down(cluster)).outcome).toMatchObject({ failures: [], left: [] });
});
