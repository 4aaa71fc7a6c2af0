import { expect, test } from "vitest";
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

/** A replica that answers each request only when told to. */
async function startHeld(): Promise<Origin & { readonly held: { path: string; answer(): void }[] }> {
  const held: { path: string; answer(): void }[] = [];
  const onSocket = answering((request, socket) => {
    const path = request.split(" ")[1]!;
    held.push({ path, answer: () => socket.write(ok(path)) });
    return undefined;
  });
  return Object.assign(await startOrigin(onSocket), { held });
}

/** Sends `count` requests, each on its own connection, in an order that the gateway sees. */
async function sendInOrder(
  running: { port: number; gateway: { sample(api: string): { inFlight: number; queueLength: number } } },
  count: number,
) {
  const clients: RawClient[] = [];
  const { inFlight, queueLength } = running.gateway.sample("api");
  for (let i = 0; i < count; i++) {
    const client = new RawClient(running.port);
    client.send(get(`/api/${i}`));
    clients.push(client);
    await eventually(() => {
      const now = running.gateway.sample("api");
      return now.inFlight + now.queueLength === inFlight + queueLength + i + 1;
    });
  }
  return Object.assign(clients, {
    [Symbol.dispose]: () => {
      for (const client of clients) client[Symbol.dispose]();
    },
  });
}

test("a replica gets max_concurrency requests, the others wait and follow in order", async () => {
  await using origin = await startHeld();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path, { maxConcurrency: 2 }));
  using clients = await sendInOrder(running, 5);
  expect(running.gateway.sample("api")).toEqual({ inFlight: 2, queueLength: 3 });
  for (let i = 0; i < 5; i++) {
    await eventually(() => origin.held.length > i);
    expect(origin.held[i]!.path).toBe(`/${i}`);
    origin.held[i]!.answer();
    expect((await clients[i]!.reply()).body).toBe(`/${i}`);
  }
  expect(running.gateway.sample("api")).toEqual({ inFlight: 0, queueLength: 0 });
  expect(running.gateway.metrics("api")).toMatchObject({ status2xx: 5, status5xx: 0, inFlight: 0 });
});

test("when the queue is full the answer is 503, says so and when to come back; one more replica makes room", async () => {
  await using origin = await startHeld();
  await using running = await startGateway({}, 2);
  running.gateway.addBackend("api", backendAt(origin.path));
  using _clients = await sendInOrder(running, 3);
  using late = new RawClient(running.port);
  late.send(post("/api", "x"));
  const { status, headers, body } = await late.reply();
  expect(status).toBe(503);
  expect(headers.get("retry-after")).toBe("1");
  expect(JSON.parse(body)).toMatchObject({ code: "queue_full", api: "api" });
  expect(JSON.parse(body).error).toContain("pending request queue full");
  running.gateway.addBackend("api", backendAt(origin.path, { id: "b2", replica: "r2" }));
  using _more = await sendInOrder(running, 3);
  late.send(get("/api"));
  expect((await late.reply()).status).toBe(503);
});

test("the replica with the fewest requests in flight is next, and equals take turns", async () => {
  await using first = await startHeld();
  await using second = await startHeld();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(first.path, { maxConcurrency: 4 }));
  running.gateway.addBackend("api", backendAt(second.path, { id: "b2", maxConcurrency: 4 }));
  using clients = await sendInOrder(running, 6);
  await eventually(() => first.held.length === 3 && second.held.length === 3);
  for (const { answer } of first.held) answer();
  for (const i of [0, 2, 4]) await clients[i]!.reply();
  using _more = await sendInOrder(running, 3);
  await eventually(() => first.held.length === 6);
  expect(second.held.length).toBe(3);
});

test("requests wait for the first replica, and the owner is told", async () => {
  await using origin = await startHeld();
  await using running = await startGateway();
  using clients = await sendInOrder(running, 2);
  expect(running.waiting).toEqual(["api", "api"]);
  running.gateway.addBackend("api", backendAt(origin.path, { maxConcurrency: 2 }));
  await eventually(() => origin.held.length === 2);
  for (const { answer } of origin.held) answer();
  for (const client of clients) expect((await client.reply()).status).toBe(200);
});

test("a request that waited too long is answered 503", async () => {
  await using running = await startGateway({ maxHoldMs: 30 });
  using client = new RawClient(running.port);
  client.send(get("/api"));
  const { status, body } = await client.reply();
  expect([status, JSON.parse(body).code]).toEqual([503, "hold_timeout"]);
  expect(JSON.parse(body).error).toContain("no healthy upstream");
});

test("an API that cannot have replicas answers 503 with the cause, also to those that wait, until it can", async () => {
  await using origin = await startOrigin(answering(() => ok("")));
  await using running = await startGateway();
  using clients = await sendInOrder(running, 1);
  running.gateway.setUnavailable("api", { code: "crashed", message: "“api” crashed", retryAfterS: 2.5 });
  const waited = await clients[0]!.reply();
  expect([waited.status, waited.headers.get("retry-after")]).toEqual([503, "3"]);
  const json = JSON.parse(Buffer.from(waited.body, "latin1").toString());
  expect(json).toMatchObject({ code: "crashed", error: "no healthy upstream: “api” crashed" });
  clients[0]!.send(get("/api"));
  expect((await clients[0]!.reply()).status).toBe(503);
  running.gateway.setUnavailable("api", undefined);
  clients[0]!.send(get("/api"));
  await eventually(() => running.waiting.length === 2);
  running.gateway.addBackend("api", backendAt(origin.path));
  expect((await clients[0]!.reply()).status).toBe(200);
});

test("a draining replica finishes what it has and gets nothing more", async () => {
  await using first = await startHeld();
  await using second = await startHeld();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(first.path));
  using clients = await sendInOrder(running, 2);
  let isDrained = false;
  const drained = running.gateway.drainBackend("api", "b1", new AbortController().signal).then(() => {
    isDrained = true;
  });
  running.gateway.addBackend("api", backendAt(second.path, { id: "b2" }));
  await eventually(() => second.held.length === 1);
  expect(isDrained).toBe(false);
  first.held[0]!.answer();
  second.held[0]!.answer();
  for (const client of clients) expect((await client.reply()).status).toBe(200);
  await drained;
  await eventually(() => first.sockets.size === 0);
  expect(first.held.length).toBe(1);
});

test("when draining takes too long the rest is cut and answered 502", async () => {
  await using origin = await startHeld();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using clients = await sendInOrder(running, 1);
  const abort = new AbortController();
  const drained = running.gateway.drainBackend("api", "b1", abort.signal);
  abort.abort();
  await drained;
  const { status, body } = await clients[0]!.reply();
  expect([status, JSON.parse(body).error]).toEqual([502, "replica ended: it was stopped before it had answered"]);
  await eventually(() => origin.sockets.size === 0);
});

test("a removed API answers 404 at once and 503 to those that wait, and finishes what is in flight", async () => {
  await using origin = await startHeld();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using clients = await sendInOrder(running, 2);
  let isRemoved = false;
  const removed = running.gateway.removeRoute("api").then(() => {
    isRemoved = true;
  });
  expect(JSON.parse((await clients[1]!.reply()).body).code).toBe("api_deleted");
  clients[1]!.send(get("/api"));
  expect((await clients[1]!.reply()).status).toBe(404);
  expect(isRemoved).toBe(false);
  origin.held[0]!.answer();
  expect((await clients[0]!.reply()).status).toBe(200);
  await removed;
});

test("a client that hangs up leaves the queue, or frees its replica, and is counted", async () => {
  await using origin = await startHeld();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using clients = await sendInOrder(running, 3);
  await eventually(() => origin.held.length === 1);
  clients[1]!.socket.end();
  await eventually(() => running.gateway.sample("api").queueLength === 1);
  clients[0]!.socket.destroy();
  await eventually(() => origin.held.length === 2);
  expect(origin.held[1]!.path).toBe("/2");
  expect(origin.sockets.size).toBe(1);
  origin.held[1]!.answer();
  expect((await clients[2]!.reply()).status).toBe(200);
  expect(running.access.map(({ path, status }) => [path, status])).toEqual([
    ["/api/1", 499],
    ["/api/0", 499],
    ["/api/2", 200],
  ]);
});

test("a slow handler is sent no request ahead", async () => {
  await using origin = await startHeld();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path, { prefetch: true }));
  const answerNext = async (client: RawClient, before: number) => {
    await eventually(() => origin.held.length === before + 1);
    origin.held[before]!.answer();
    await client.reply();
  };
  using warm = new RawClient(running.port);
  warm.send(get("/api"));
  await eventually(() => origin.held.length === 1);
  // So long that it is a slow one.
  await new Promise((resolve) => setTimeout(resolve, 30));
  await answerNext(warm, 0);
  using clients = await sendInOrder(running, 2);
  expect(running.gateway.sample("api")).toEqual({ inFlight: 1, queueLength: 1 });
  for (const [at, client] of clients.entries()) await answerNext(client, at + 1);
});
