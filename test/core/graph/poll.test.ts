import fc from "fast-check";
import { expect, test } from "vitest";
import { CortexError } from "../../../src/core/errors.ts";
import { nextDelay, poll } from "../../../src/core/graph/poll.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";

const signal = new AbortController().signal;
const minuteMs = 60_000;

test("it is looked soon, then less and less often, and more often around the expected end", async () => {
  const clock = new VirtualClock();
  const looks: number[] = [];
  const wait = { clock, until: "it is ready", typicalMs: 2 * minuteMs, timeoutMs: 60 * minuteMs, random: () => 1 };
  await poll(async () => (looks.push(clock.now()) && clock.now() > 6 * minuteMs ? true : undefined), wait, signal);
  const gaps = looks.map((look, index) => look - (looks[index - 1] ?? 0));
  expect(gaps.slice(0, 4)).toEqual([1_000, 1_600, 2_560, 4_096]);
  expect(Math.max(...gaps)).toBe(10_000);
  expect(looks.some((look, index) => look > 1.8 * minuteMs && look < 2.1 * minuteMs && gaps[index] === 3_000)).toBe(
    true,
  );
});

test("what is wrong ends the wait at once", async () => {
  const clock = new VirtualClock();
  const wait = { clock, until: "it is ready", typicalMs: minuteMs, timeoutMs: 60 * minuteMs };
  const look = async () => {
    throw new CortexError("NO_CAPACITY", "no instances");
  };
  await expect(poll(look, wait, signal)).rejects.toThrow("no instances");
  expect(clock.now()).toBeLessThanOrEqual(1_000);
});

test("a wait that is in vain ends, with what was waited for and what to do", async () => {
  const wait = { clock: new VirtualClock(), until: "it is ready", typicalMs: minuteMs, timeoutMs: 10 * minuteMs };
  await expect(poll(async () => undefined, wait, signal)).rejects.toMatchObject({
    code: "TIMED_OUT",
    message: "waited 10 minutes, but it is not true that it is ready",
    hint: "run the same command again: it goes on from here",
  });
});

test("no delay is longer than ten seconds, or shorter than most of a second", () => {
  const moments = fc.record({
    looks: fc.nat(500),
    elapsedMs: fc.nat(3_600_000),
    typicalMs: fc.nat(3_600_000),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(moments, (moment) => {
      const delay = nextDelay(moment);
      return delay >= 800 && delay <= 10_000;
    }),
  );
});
