import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LatencyWindow } from "../../../../src/environments/local/gateway/latency-window.ts";
import { ReadBuffers } from "../../../../src/environments/local/gateway/read-buffers.ts";
import { ReplicaLoad } from "../../../../src/environments/local/gateway/replica-load.ts";
import { Router, stripEndpoint } from "../../../../src/environments/local/gateway/router.ts";
import { nextServiceTimeMs, requestsAhead } from "../../../../src/environments/local/gateway/service-time.ts";
import { Upstreams } from "../../../../src/environments/local/gateway/upstreams.ts";
import { type Place, WaitingLine } from "../../../../src/environments/local/gateway/waiting-line.ts";
import { backendAt } from "./support.ts";

describe("quantiles of the last minute", () => {
  test("are within 5 % of the true ones", () => {
    const durations = fc.array(fc.double({ min: 0.01, max: 3_600_000, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99), (all, share) => {
        const window = new LatencyWindow();
        for (const one of all) window.record(1_000, one);
        const exact = [...all].sort((a, b) => a - b)[Math.max(1, Math.ceil(share * all.length)) - 1]!;
        expect(Math.abs(window.quantileMs(1_000, share)! / exact - 1)).toBeLessThan(0.05);
      }),
    );
  });

  test("forget what is older", () => {
    const window = new LatencyWindow();
    window.record(0, 5);
    window.record(30_000, 7);
    expect(window.count(59_999)).toBe(2);
    expect(window.count(60_000)).toBe(1);
    expect(window.quantileMs(90_001, 0.5)).toBeUndefined();
    window.record(3_600_000, 1);
    expect(window.count(3_600_000)).toBe(1);
  });
});

describe("the service time of a replica", () => {
  const served = (tookMs: number, held = 1) => ({ tookMs, held, maxConcurrency: 1 });

  test("does not count what a request waited for those before it", () => {
    expect(nextServiceTimeMs(undefined, served(8, 4))).toBe(2);
    expect(nextServiceTimeMs(undefined, { tookMs: 8, held: 2, maxConcurrency: 4 })).toBe(8);
  });

  test("approaches what is measured, and never leaves the range of the measurements", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (all) => {
        const mean = all.reduce<number | undefined>((before, ms) => nextServiceTimeMs(before, served(ms)), undefined)!;
        expect(mean).toBeGreaterThanOrEqual(Math.min(...all) * 0.999);
        expect(mean).toBeLessThanOrEqual(Math.max(...all) * 1.001);
      }),
    );
  });

  test("decides how many requests are sent ahead: none above 10 ms, at most 32", () => {
    expect([undefined, 0, 0.01, 1, 4, 10, 10.1, 500].map(requestsAhead)).toEqual([0, 32, 32, 10, 2, 1, 0, 0]);
  });
});

describe("a replica takes", () => {
  const load = (prefetch: boolean) => {
    const backend = backendAt("unused", { maxConcurrency: 2, prefetch });
    return new ReplicaLoad(backend, new Upstreams(backend.address, 1_000, new ReadBuffers()));
  };
  const fill = (replica: ReplicaLoad, now: number) => {
    while (replica.accepts(now)) replica.begin(now);
    return replica.inFlight;
  };

  test("its max_concurrency, and more ahead once it is known to be quick", () => {
    const replica = load(true);
    expect(fill(replica, 0)).toBe(2);
    replica.finish(0, 4, 2);
    expect(fill(replica, 0)).toBe(4);
  });

  test("nothing ahead while it may be stuck in a slow request, until it finishes one", () => {
    const replica = load(true);
    fill(replica, 0);
    replica.finish(0, 1, 2);
    replica.begin(0);
    replica.begin(0);
    expect(replica.accepts(10)).toBe(true);
    expect(replica.accepts(11)).toBe(false);
    replica.finish(50, 0, 0);
    expect(replica.accepts(51)).toBe(true);
  });

  test("nothing ahead where that is not wanted", () => {
    const replica = load(false);
    fill(replica, 0);
    replica.finish(0, 0.1, 2);
    expect(fill(replica, 0)).toBe(2);
  });
});

describe("routing", () => {
  const router = new Router<string>();
  for (const endpoint of ["/a", "/a/b", "/a/b/c/d", "/x-y"]) router.set(endpoint, endpoint);

  test("takes the longest endpoint that is the path or leads to it", () => {
    const found = (path: string) => router.find(path)?.target;
    expect(found("/a")).toBe("/a");
    expect(found("/a/")).toBe("/a");
    expect(found("/a/x")).toBe("/a");
    expect(found("/a/b")).toBe("/a/b");
    expect(found("/a/bc")).toBe("/a");
    expect(found("/a/b/c")).toBe("/a/b");
    expect(found("/a/b/c/d/e/f")).toBe("/a/b/c/d");
    expect(["/", "/ab", "", "*", "//a", "/%61", "/A", "/x", "a"].map(found)).toEqual(Array(9).fill(undefined));
  });

  test("gives the root what nobody else takes", () => {
    const rooted = new Router<string>();
    rooted.set("/", "root");
    rooted.set("/a", "a");
    expect(["/", "/b", "/ab", "/a/b"].map((path) => rooted.find(path)?.target)).toEqual(["root", "root", "root", "a"]);
    rooted.delete("/");
    expect(rooted.find("/b")).toBeUndefined();
    expect(rooted.endpoints()).toEqual(["/a"]);
  });

  test("removes the endpoint and nothing else", () => {
    expect(["/a", "/a/", "/a/b%2Fc?x=/a", "/a?x", "/a//b"].map((path) => stripEndpoint(path, "/a"))).toEqual([
      "/",
      "/",
      "/b%2Fc?x=/a",
      "/?x",
      "//b",
    ]);
  });
});

test("a waiting line keeps its order while anybody leaves or comes back to its front", () => {
  const step = fc.oneof(fc.constant("join"), fc.constant("front"), fc.constant("first"), fc.nat(20));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const line = new WaitingLine<Place & { name: number }>();
      const model: (Place & { name: number })[] = [];
      steps.forEach((one, name) => {
        const place = { name, ahead: undefined, behind: undefined, isWaiting: false };
        if (one === "join") {
          line.join(place);
          model.push(place);
        } else if (one === "front") {
          line.joinFront(place);
          model.unshift(place);
        } else {
          const leaver = one === "first" ? model[0] : model[one as number];
          if (leaver) {
            line.leave(leaver);
            model.splice(model.indexOf(leaver), 1);
            line.leave(leaver);
          }
        }
        expect(line.length).toBe(model.length);
        expect(line.first).toBe(model[0]);
      });
    }),
  );
});
