import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AutoscalerMemory,
  autoscalingPeriodMs,
  decideReplicas,
  newAutoscalerMemory,
  remember,
} from "../../src/core/autoscaling.ts";
import type { Autoscaling } from "../../src/spec/api.ts";

const minute = 60_000;
const spec: Autoscaling = {
  min_replicas: 1,
  max_replicas: 100,
  init_replicas: 1,
  target_in_flight: 4,
  window_ms: minute,
  downscale_stabilization_period_ms: 5 * minute,
  upscale_stabilization_period_ms: minute,
  max_downscale_factor: 0.75,
  max_upscale_factor: 1.5,
  downscale_tolerance: 0.05,
  upscale_tolerance: 0.05,
};

/** Shows the autoscaler `load(ms)` in-flight every second, and lets it look every ten. @returns replicas after each look */
function simulate(load: (time: number) => number, lengthMs: number, from: number, with_: Autoscaling = spec): number[] {
  let memory: AutoscalerMemory = newAutoscalerMemory(0);
  let replicas = from;
  const looks: number[] = [];
  for (let time = 1_000; time <= lengthMs; time += 1_000) {
    memory = remember(memory, { time, inFlight: load(time) }, with_);
    if (time % autoscalingPeriodMs !== 0) continue;
    const decision = decideReplicas(with_, memory, replicas, time);
    memory = decision.memory;
    replicas = decision.replicas;
    looks.push(replicas);
  }
  return looks;
}

describe("scaling up", () => {
  test("waits a whole period before each step of half again, to what the load needs", () => {
    const looks = simulate(() => 40, 8 * minute, 1);
    expect(looks.slice(0, 5)).toEqual([1, 1, 1, 1, 1]);
    expect(looks[5]).toBe(2);
    expect([...new Set(looks)]).toEqual([1, 2, 3, 5, 8, 10]);
  });

  test("a burst that is shorter than the period is not followed", () => {
    const burst = (time: number) => (time > 70_000 && time <= 90_000 ? 400 : 0);
    expect(new Set(simulate(burst, 2 * minute, 1))).toEqual(new Set([1]));
  });

  test("stops at max_replicas and says so", () => {
    const bounded = { ...spec, max_replicas: 3 };
    expect(simulate(() => 400, 6 * minute, 1, bounded).at(-1)).toBe(3);
    const memory = remember(newAutoscalerMemory(0), { time: 100_000, inFlight: 400 }, bounded);
    expect(decideReplicas(bounded, memory, 3, 100_000).reason).toContain("held at max_replicas (3)");
  });

  test("stops where the machine has no more room and says so", () => {
    const memory = remember(newAutoscalerMemory(0), { time: 100_000, inFlight: 400 }, spec);
    const decision = decideReplicas(spec, memory, 2, 100_000, 2);
    expect(decision.replicas).toBe(2);
    expect(decision.reason).toContain("all that this machine has room for");
  });
});

describe("scaling down", () => {
  test("waits out the down period before each step of a quarter, to min_replicas", () => {
    const looks = simulate(() => 0, 60 * minute, 16);
    expect(new Set(looks.slice(0, 29))).toEqual(new Set([16]));
    expect([...new Set(looks)]).toEqual([16, 12, 9, 7, 6, 5, 4, 3, 2, 1]);
  });

  test("reaches zero only where min_replicas is zero", () => {
    const quick = { ...spec, min_replicas: 0, downscale_stabilization_period_ms: 0 };
    expect(simulate(() => 0, 5 * minute, 1, quick).at(-1)).toBe(0);
  });

  test("one look that needs the replicas keeps them for a whole period", () => {
    const looks = simulate((time) => (time > 4 * minute && time < 5 * minute + 30_000 ? 64 : 0), 9 * minute, 16);
    expect(new Set(looks)).toEqual(new Set([16]));
  });
});

describe("staying", () => {
  test("load within the tolerance changes nothing", () => {
    expect(new Set(simulate(() => 41, 10 * minute, 10))).toEqual(new Set([10]));
    expect(new Set(simulate(() => 39, 10 * minute, 10))).toEqual(new Set([10]));
  });

  test("without a sample nothing is decided", () => {
    expect(decideReplicas(spec, newAutoscalerMemory(0), 7, 10 * minute).replicas).toBe(7);
  });
});

test("any load gives a count within min and max, and within one step of the count before", () => {
  const settings = fc.record({
    min: fc.integer({ min: 0, max: 5 }),
    more: fc.integer({ min: 0, max: 50 }),
    target: fc.double({ min: 0.1, max: 64, noNaN: true }),
    down: fc.double({ min: 0, max: 0.99, noNaN: true }),
    up: fc.double({ min: 1.01, max: 10, noNaN: true }),
    tolerance: fc.double({ min: 0, max: 0.9, noNaN: true }),
    periodS: fc.integer({ min: 0, max: 60 }),
    loads: fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 60 }),
  });
  fc.assert(
    fc.property(settings, ({ min, more, target, down, up, tolerance, periodS, loads }) => {
      const max = Math.max(1, min + more);
      const drawn: Autoscaling = {
        ...spec,
        min_replicas: min,
        max_replicas: max,
        target_in_flight: target,
        max_downscale_factor: down,
        max_upscale_factor: up,
        downscale_tolerance: tolerance,
        upscale_tolerance: tolerance,
        downscale_stabilization_period_ms: periodS * 1_000,
        upscale_stabilization_period_ms: periodS * 1_000,
      };
      const looks = simulate(
        (time) => loads[Math.floor(time / 10_000) % loads.length]!,
        loads.length * 10_000,
        Math.max(1, min),
        drawn,
      );
      let before = Math.max(1, min);
      for (const after of looks) {
        expect(after).toBeGreaterThanOrEqual(min);
        expect(after).toBeLessThanOrEqual(max);
        expect(after).toBeLessThanOrEqual(Math.max(before + 1, Math.ceil(before * up)));
        expect(after).toBeGreaterThanOrEqual(Math.min(before - 1, Math.ceil(before * down)));
        before = after;
      }
    }),
    { numRuns: 60 },
  );
});
