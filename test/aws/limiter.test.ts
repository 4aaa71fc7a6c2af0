import fc from "fast-check";
import { expect, test } from "vitest";
import { callLimiter } from "../../src/aws/limiter.ts";
import { virtualClock } from "./support/scripted-aws.ts";

const signal = new AbortController().signal;
const soon = () => new Promise((resolve) => setImmediate(resolve));

test("never more calls under way than it lets, however they end, and all of them get their turn", async () => {
  const call = fc.record({
    lane: fc.constantFrom("a", "b", "c"),
    throttles: fc.nat(3),
    takes: fc.nat(3),
    gone: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), async (calls, most) => {
      const limiter = callLimiter({ clock: virtualClock(), random: () => 0.5, most });
      let underWay = 0;
      let done = 0;
      const run = async ({ lane, throttles, takes, gone }: (typeof calls)[number]) => {
        const controller = new AbortController();
        if (gone) setImmediate(() => controller.abort(new Error("gone")));
        for (let tries = 0; tries <= throttles; tries += 1) {
          using turn = await limiter.enter(lane, gone ? controller.signal : signal);
          underWay += 1;
          expect(underWay).toBeLessThanOrEqual(most);
          for (let steps = 0; steps < takes; steps += 1) await soon();
          underWay -= 1;
          if (tries < throttles) turn.throttled();
          else turn.answered();
        }
        done += 1;
      };
      const results = await Promise.allSettled(calls.map(run));
      const failed = results.filter(({ status }) => status === "rejected").length;
      expect(done + failed).toBe(calls.length);
      expect(failed).toBeLessThanOrEqual(calls.filter(({ gone }) => gone).length);
      // Every place was given back.
      const turns = await Promise.all(["a", "b", "c"].slice(0, most).map((lane) => limiter.enter(lane, signal)));
      for (const turn of turns) turn[Symbol.dispose]();
    }),
    { numRuns: 60 },
  );
});

test("what is throttled together is held back once, not once per call", async () => {
  const clock = virtualClock();
  const limiter = callLimiter({ clock, random: () => 1, most: 16 });
  const turns = await Promise.all(Array.from({ length: 16 }, () => limiter.enter("ec2", signal)));
  for (const turn of turns) {
    turn.throttled();
    turn[Symbol.dispose]();
  }
  const before = clock.now();
  (await limiter.enter("ec2", signal))[Symbol.dispose]();
  expect(clock.now() - before).toBeLessThanOrEqual(100);
});

test("is held back longer as long as nothing is answered, and as at first after an answer", async () => {
  const clock = virtualClock();
  const limiter = callLimiter({ clock, random: () => 1, most: 4 });
  const waits: number[] = [];
  const once = async (end: "throttled" | "answered") => {
    const before = clock.now();
    using turn = await limiter.enter("ec2", signal);
    waits.push(clock.now() - before);
    turn[end]();
  };
  for (let count = 0; count < 5; count += 1) await once("throttled");
  await once("answered");
  await once("throttled");
  await once("answered");
  expect(waits).toEqual([0, 100, 200, 400, 800, 1_600, 0, 100]);
});

test("half of all calls throttled slow a hundred of them down, and do not stop them", async () => {
  const clock = virtualClock();
  let seed = 7;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const limiter = callLimiter({ clock, random, most: 16 });
  const begin = clock.now();
  const call = async () => {
    for (;;) {
      using turn = await limiter.enter("ec2", signal);
      await clock.sleep(50, signal);
      if (random() < 0.5) turn.throttled();
      else return turn.answered();
    }
  };
  await Promise.all(Array.from({ length: 100 }, call));
  expect(clock.now() - begin).toBeLessThan(120_000);
});
