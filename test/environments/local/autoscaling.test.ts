import { describe, expect, test } from "vitest";
import { sleeping, speaking, spec } from "../../conformance/handlers.ts";
import { type Bench, createBench, eventually } from "../../support/cortex.ts";
import { runLoad } from "../../support/load.ts";

interface Scaled {
  readonly status: { readonly ready: number; readonly requested: number };
  readonly autoscaler?: { readonly reason: string };
}

const scaled = async (bench: Bench, name: string) =>
  (await bench.cortex(["get", name, "-o", "json"])).json<Scaled[]>()[0]!;

/** The quickest that the rules allow: a look every ten seconds over a window of ten, nothing to wait out. */
const quick = (more: string) => `  autoscaling:
    window: 10s
    upscale_stabilization_period: 0s
    downscale_stabilization_period: 0s
${more}`;

describe.concurrent("autoscaling on requests in-flight", () => {
  test("more in-flight than the target starts replicas, and when it is quiet again they go", {
    timeout: 480_000,
  }, async () => {
    await using bench = await createBench();
    const folder = await bench.project({
      "cortex.yaml": spec("busy", quick("    min_replicas: 1\n    max_replicas: 2\n    target_in_flight: 1\n")),
      "handler.py": sleeping,
    });
    expect((await bench.cortex(["deploy", folder])).status).toBe(0);
    const stop = new AbortController();
    const load = runLoad({
      url: `http://127.0.0.1:${bench.port}/busy`,
      ratePerSecond: 20,
      until: stop.signal,
      body: '{"ms": 150}',
      connections: 16,
    });
    await eventually(async () => (await scaled(bench, "busy")).status.ready === 2 || undefined, 180_000);
    stop.abort();
    expect((await load).failures.filter((failure) => failure.status !== 503)).toEqual([]);
    await eventually(async () => (await scaled(bench, "busy")).status.requested === 1 || undefined, 180_000);
    expect((await scaled(bench, "busy")).autoscaler?.reason).toContain("in-flight");
    expect((await bench.cortex(["describe", "busy"])).stdout).toContain("in-flight");
  });

  test("min_replicas 0 goes to zero, and the next request is held until a replica answers it", {
    timeout: 480_000,
  }, async () => {
    await using bench = await createBench();
    const folder = await bench.project({
      "cortex.yaml": spec("idle", quick("    min_replicas: 0\n    max_replicas: 1\n")),
      "handler.py": speaking("awake"),
    });
    expect((await bench.cortex(["deploy", folder])).status).toBe(0);
    await eventually(async () => (await scaled(bench, "idle")).status.ready === 0 || undefined, 180_000);
    const response = await bench.request("/idle", {
      method: "POST",
      body: "1",
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ text: "awake" });
  });
});
