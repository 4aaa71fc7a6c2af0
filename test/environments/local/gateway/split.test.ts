import { expect, test } from "vitest";
import type { GatewayLimits, SplitOptions } from "../../../../src/environments/local/gateway/types.ts";
import {
  answering,
  backendAt,
  eventually,
  get,
  type Origin,
  ok,
  post,
  RawClient,
  startGateway,
  startOrigin,
} from "./support.ts";

type Targets = Readonly<Record<string, number>>;

/** A gateway with the APIs a, b and c, each with a replica that says its own name and keeps what it was sent. */
async function startSplit(targets: Targets, shadow?: SplitOptions["shadow"], limits: Partial<GatewayLimits> = {}) {
  const running = await startGateway(limits);
  const seen = new Map<string, string[]>(["a", "b", "c"].map((name) => [name, []]));
  const origins: Origin[] = [];
  for (const [name, requests] of seen) {
    const origin = await startOrigin(
      answering((request) => {
        requests.push(request);
        return ok(name);
      }),
    );
    origins.push(origin);
    running.gateway.setRoute({ api: name, endpoint: `/${name}`, maxQueueLength: 10 });
    running.gateway.addBackend(name, backendAt(origin.path, { replica: `${name}1`, maxConcurrency: 4 }));
  }
  const set = (now: Targets, endpoint = "/split") =>
    running.gateway.setSplit({
      splitter: "split",
      endpoint,
      targets: Object.entries(now).map(([api, weight]) => ({ api, weight })),
      ...(shadow && { shadow }),
    });
  set(targets);
  return Object.assign(running, {
    seen: (name: string) => seen.get(name)!,
    set,
    async [Symbol.asyncDispose]() {
      await running.gateway.close(AbortSignal.abort());
      for (const origin of origins) await origin[Symbol.asyncDispose]();
    },
  });
}

async function answersTo(client: RawClient, count: number, path = "/split"): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let sent = 0; sent < count; sent += 1) {
    client.send(get(path));
    const { body } = await client.reply();
    counts[body] = (counts[body] ?? 0) + 1;
  }
  return counts;
}

test("requests go round by weight, exactly, with the splitter's endpoint stripped", async () => {
  await using running = await startSplit({ a: 80, b: 15, c: 5 });
  using client = new RawClient(running.port);
  expect(await answersTo(client, 100, "/split/x?y=1")).toEqual({ a: 80, b: 15, c: 5 });
  expect(running.seen("a")[0]).toMatch(/^GET \/x\?y=1 HTTP\/1.1\r\n/);
  expect(running.seen("a")[0]).toContain("x-forwarded-prefix: /split\r\n");
  client.send(get("/a"));
  await client.reply();

  expect(running.gateway.metrics("split")).toMatchObject({ status2xx: 100, inFlight: 0 });
  expect(running.gateway.metrics("a")).toMatchObject({ status2xx: 81 });
  expect(running.access[0]).toMatchObject({ api: "a", splitter: "split", isCopy: false, path: "/split/x" });
  expect(running.access.at(-1)).toMatchObject({ api: "a", splitter: "" });
  const metrics = running.gateway.renderMetrics();
  expect(metrics).toContain('cortex_splitter_requests_total{splitter="split",code="200",class="2xx"} 100\n');
  expect(metrics).toContain('cortex_requests_total{api="a",code="200",class="2xx"} 81\n');
});

test("new weights hold from the next request on, and another endpoint takes the place of the old one", async () => {
  await using running = await startSplit({ a: 50, b: 50 });
  using client = new RawClient(running.port);
  expect(await answersTo(client, 3)).toEqual({ a: 2, b: 1 });
  running.set({ b: 100, a: 0 });
  expect(await answersTo(client, 10)).toEqual({ b: 10 });
  running.set({ a: 100 }, "/other");
  expect(await answersTo(client, 5, "/other")).toEqual({ a: 5 });
  client.send(get("/split"));
  expect((await client.reply()).status).toBe(404);
  running.gateway.removeSplit("split");
  client.send(get("/other"));
  expect((await client.reply()).status).toBe(404);
});

test("a target that is not there, or has no replica, is answered 503 in its turn", async () => {
  await using running = await startSplit({ a: 50, gone: 50 });
  using client = new RawClient(running.port);
  client.send(get("/split"));
  expect((await client.reply()).body).toBe("a");
  client.send(get("/split"));
  const missing = await client.reply();
  expect(missing.status).toBe(503);
  expect(JSON.parse(missing.body)).toMatchObject({ code: "target_missing", api: "gone", splitter: "split" });
  running.gateway.setRoute({ api: "gone", endpoint: "/gone", maxQueueLength: 1 });
  running.gateway.setUnavailable("gone", { code: "replica_failed", message: "no weights", retryAfterS: 5 });
  client.send(get("/split"));
  expect((await client.reply()).body).toBe("a");
  client.send(get("/split"));
  expect(JSON.parse((await client.reply()).body)).toMatchObject({ code: "replica_failed", api: "gone" });
  expect(running.gateway.metrics("split")).toMatchObject({ status2xx: 2, status5xx: 2, inFlight: 0 });
});

test("a shadow gets the whole request, of as many as its weight says", async () => {
  await using running = await startSplit({ a: 100 }, { api: "b", weight: 25 });
  using client = new RawClient(running.port);
  for (let sent = 0; sent < 40; sent += 1) {
    client.send(post("/split/x", `body ${sent}`, "X-Own: 1\r\n"));
    expect((await client.reply()).body).toBe("a");
  }
  await eventually(() => running.seen("b").length === 10);
  expect(running.seen("b")[0]).toMatch(/^POST \/x HTTP[\s\S]*X-Own: 1[\s\S]*\r\n\r\nbody \d+$/);
  await eventually(() => running.gateway.metrics("b").status2xx === 10);
  expect(running.gateway.metrics("split")).toMatchObject({ status2xx: 40 });
  expect(running.access.filter(({ isCopy }) => isCopy)[0]).toMatchObject({ api: "b", splitter: "split", status: 200 });
});

test("a body that arrives in parts is copied once it is complete, a large one not at all", async () => {
  await using running = await startSplit({ a: 100 }, { api: "b", weight: 100 }, { maxMirrorBytes: 100_000 });
  using client = new RawClient(running.port);
  const size = 90_000;
  client.send(`POST /split HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size / 2)}`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(running.seen("b")).toEqual([]);
  client.send("y".repeat(size / 2));
  expect((await client.reply()).body).toBe("a");
  await eventually(() => running.seen("b").length === 1);
  expect(running.seen("b")[0]).toMatch(/\r\n\r\nx{45000}y{45000}$/);

  client.send(post("/split", "z".repeat(100_001)));
  expect((await client.reply()).body).toBe("a");
  const chunk = `${(60_000).toString(16)}\r\n${"c".repeat(60_000)}\r\n`;
  client.send(`POST /split HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
  client.send(`${chunk}0\r\n\r\n`);
  expect((await client.reply()).body).toBe("a");
  expect(running.seen("b")).toHaveLength(1);
  expect(running.gateway.renderMetrics()).toContain(
    'cortex_splitter_copies_total{splitter="split",copied="false"} 2\n',
  );
});

test("a shadow that hangs, breaks or is full costs the request nothing, and is let go of", async () => {
  await using running = await startSplit({ a: 100 }, { api: "held", weight: 100 }, { maxMirrors: 5, maxMirrorMs: 200 });
  let connections = 0;
  await using held = await startOrigin((socket) => {
    connections += 1;
    socket.resume();
    if (connections === 1) socket.destroy();
  });
  running.gateway.setRoute({ api: "held", endpoint: "/held", maxQueueLength: 1 });
  running.gateway.addBackend("held", backendAt(held.path, { maxConcurrency: 2 }));
  using client = new RawClient(running.port);
  expect(await answersTo(client, 20)).toEqual({ a: 20 });
  expect(running.gateway.metrics("split")).toMatchObject({ status2xx: 20, status5xx: 0, inFlight: 0 });
  expect(running.gateway.metrics("held").status5xx).toBeGreaterThan(0);
  await eventually(() => running.gateway.sample("held").inFlight === 0);
  expect(running.gateway.sample("held").queueLength).toBe(0);
  expect(running.access.filter(({ isCopy }) => isCopy).map(({ status }) => status)).toContain(504);
});

test("a request that is broken off before it is complete has no copy", async () => {
  await using running = await startSplit({ a: 100 }, { api: "b", weight: 100 });
  {
    using client = new RawClient(running.port);
    client.send("POST /split HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
    await eventually(() => running.gateway.metrics("split").inFlight === 1);
  }
  await eventually(() => running.gateway.metrics("split").inFlight === 0);
  expect(running.seen("b")).toEqual([]);
});
