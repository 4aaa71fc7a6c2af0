import { expect, test } from "vitest";
import type { Clock } from "../../../src/core/graph/resource.ts";
import { type Task, walk } from "../../../src/core/graph/walk.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";

const signal = new AbortController().signal;
const task = (id: string, needs: readonly string[] = []): Task => ({ id, needs });

test("each task runs when all that it needs are done, and all that may run do so at once", async () => {
  const clock = new VirtualClock();
  const ends: [string, number][] = [];
  const lasts: Record<string, number> = { a: 10, b: 30, c: 5, d: 1 };
  const run = async ({ id }: Task) => {
    await clock.sleep(lasts[id] ?? 0, signal);
    ends.push([id, clock.now()]);
  };
  await walk([task("a"), task("b"), task("c", ["a"]), task("d", ["b", "c"])], { clock, run }, signal);
  expect(ends).toEqual([
    ["a", 10],
    ["c", 15],
    ["b", 30],
    ["d", 31],
  ]);
});

test("no more are at work than may be, but who sleeps by the clock that it was given leaves its place", async () => {
  const clock = new VirtualClock();
  const tasks = Array.from({ length: 10 }, (_, index) => task(`${index}`));
  let atWork = 0;
  let most = 0;
  const run = async (_: Task, shared: Clock, stop: AbortSignal) => {
    atWork += 1;
    most = Math.max(most, atWork);
    await clock.sleep(10, stop);
    atWork -= 1;
    await shared.sleep(1_000, stop);
  };
  await walk(tasks, { clock, run, limit: 2 }, signal);
  expect(most).toBe(2);
  expect(clock.now()).toBe(1_050);
});

test("one that fails keeps back what needs it, through others too, and nothing else", async () => {
  const ran: string[] = [];
  const told: string[] = [];
  const run = async ({ id }: Task) => {
    if (id === "b") throw new Error("b broke");
    ran.push(id);
  };
  const tasks = [task("a"), task("b"), task("c", ["a", "b"]), task("d", ["c"]), task("e", ["a"])];
  const onBlocked = ({ id }: Task, because: string) => void told.push(`${id} because of ${because}`);
  const result = await walk(tasks, { clock: new VirtualClock(), run, onBlocked }, signal);
  expect(ran).toEqual(["a", "e"]);
  expect(result).toEqual({ failures: [{ id: "b", error: new Error("b broke") }], blocked: ["c", "d"] });
  expect(told).toEqual(["c because of b", "d because of c"]);
});

test("an abort waits until those at work have ended, and begins nothing", async () => {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const begun: string[] = [];
  let hasEnded = false;
  const run = async ({ id }: Task, _: Clock, stop: AbortSignal) => {
    begun.push(id);
    controller.abort(new Error("Ctrl-C"));
    await clock.sleep(1_000, stop).catch(() => {});
    await clock.sleep(50, signal);
    hasEnded = true;
  };
  const tasks = [task("a"), task("b", ["a"])];
  await expect(walk(tasks, { clock, run, limit: 1 }, controller.signal)).rejects.toThrow("Ctrl-C");
  expect([begun, hasEnded, clock.now()]).toEqual([["a"], true, 50]);
});
