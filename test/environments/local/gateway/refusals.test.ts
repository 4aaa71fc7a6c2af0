import { describe, expect, test } from "vitest";
import { answering, backendAt, eventually, get, ok, RawClient, startGateway, startOrigin } from "./support.ts";

const smuggling: readonly (readonly [string, string])[] = [
  [
    "length and chunks",
    "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["two lengths", "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 0\r\n\r\nabcd"],
  ["a folded header", "GET /api HTTP/1.1\r\nHost: x\r\nA: b\r\n Transfer-Encoding: chunked\r\n\r\n"],
  ["a space before the colon", "POST /api HTTP/1.1\r\nHost: x\r\nContent-Length : 4\r\n\r\nabcd"],
  ["bare line feeds", "GET /api HTTP/1.1\nHost: x\n\n"],
  ["a malformed chunk", "POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"],
];

describe("a request is answered 400 and its connection closed, and no replica hears of it, when it has", () => {
  test.each(smuggling)("%s", async (_, text) => {
    let requests = 0;
    await using origin = await startOrigin(
      answering(() => {
        requests++;
        return ok("");
      }),
    );
    await using running = await startGateway();
    running.gateway.addBackend("api", backendAt(origin.path));
    using client = new RawClient(running.port);
    client.send(text + get("/api"));
    const { status, headers, body } = await client.reply();
    expect([status, headers.get("connection")]).toEqual([400, "close"]);
    expect(JSON.parse(body)).toMatchObject({ code: "bad_request", error: expect.any(String) });
    await client.until(({ isEnded }) => isEnded);
    expect(client.text).toBe("");
    expect(requests).toBe(0);
  });
});

test("a chunked body that turns out malformed cuts the request off at the replica", async () => {
  let isCut = false;
  await using origin = await startOrigin((socket) => {
    socket.resume();
    socket.on("close", () => {
      isCut = true;
    });
    socket.on("end", () => socket.end());
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send("POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  await eventually(() => origin.sockets.size === 1);
  client.send("nonsense\r\n");
  expect((await client.reply()).status).toBe(400);
  await eventually(() => isCut);
  expect(running.gateway.sample("api").inFlight).toBe(0);
});

test("a path of no API is answered 404 with the endpoints that there are, for every browser to read", async () => {
  await using running = await startGateway();
  running.gateway.setRoute({ api: "other", endpoint: "/b/c", maxQueueLength: 1 });
  using client = new RawClient(running.port);
  client.send(get("/") + get("/apis?x"));
  const root = await client.reply();
  expect(root.status).toBe(404);
  expect(root.headers.get("access-control-allow-origin")).toBe("*");
  expect(JSON.parse(root.body)).toMatchObject({ code: "not_found", endpoints: ["/api", "/b/c"] });
  expect(JSON.parse((await client.reply()).body).error).toBe("no API is deployed at /apis; there are /api, /b/c");
  await running.gateway.removeRoute("api");
  await running.gateway.removeRoute("other");
  client.send(get("/api"));
  expect(JSON.parse((await client.reply()).body).error).toBe("no API is deployed here");
});

test("a flood of headers is answered 431 before it ends", async () => {
  await using running = await startGateway();
  using client = new RawClient(running.port);
  client.send("GET /api HTTP/1.1\r\nHost: x\r\n");
  for (let i = 0; i < 40; i++) client.send(`X-${i}: ${"a".repeat(1000)}\r\n`);
  expect((await client.reply()).status).toBe(431);
  await client.until(({ isEnded }) => isEnded);
});

test("a head, and a small body, that do not arrive in time are answered 408", async () => {
  await using running = await startGateway({ headTimeoutMs: 50 });
  using slowHead = new RawClient(running.port);
  using slowBody = new RawClient(running.port);
  slowHead.send("GET /api HT");
  slowBody.send("POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  for (const client of [slowHead, slowBody]) {
    const { status, headers } = await client.reply();
    expect([status, headers.get("connection")]).toEqual([408, "close"]);
    await client.until(({ isEnded }) => isEnded);
  }
});

test("a slow sender of a small body occupies no replica, and idle connections end quietly", async () => {
  await using origin = await startOrigin(answering(() => ok("done")));
  await using running = await startGateway({ keepAliveMs: 100 });
  running.gateway.addBackend("api", backendAt(origin.path));
  using slow = new RawClient(running.port);
  slow.send("POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab");
  using quick = new RawClient(running.port);
  quick.send(get("/api"));
  expect((await quick.reply()).body).toBe("done");
  expect(running.gateway.sample("api")).toEqual({ inFlight: 0, queueLength: 0 });
  slow.send("cd");
  expect((await slow.reply()).body).toBe("done");
  await quick.until(({ isEnded }) => isEnded);
  expect(quick.text).toBe("");
});

test("a large body that stalls is given up", async () => {
  await using origin = await startOrigin((socket) => socket.resume());
  await using running = await startGateway({ stallMs: 50 });
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(`POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc`);
  expect((await client.reply()).status).toBe(408);
  expect(running.gateway.sample("api").inFlight).toBe(0);
});

test("more connections than the gateway may hold are answered 503", async () => {
  await using running = await startGateway({ maxConnections: 1 });
  using first = new RawClient(running.port);
  first.send(get("/"));
  await first.reply();
  using second = new RawClient(running.port);
  const { status, body } = await second.reply();
  expect([status, JSON.parse(body).code]).toEqual([503, "too_many_connections"]);
  first.send(get("/"));
  expect((await first.reply()).status).toBe(404);
});
