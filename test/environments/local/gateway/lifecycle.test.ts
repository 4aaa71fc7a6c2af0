import { createServer } from "node:net";
import { expect, test } from "vitest";
import { createGateway } from "../../../../src/environments/local/gateway/gateway.ts";
import {
  answering,
  backendAt,
  eventually,
  get,
  ok,
  RawClient,
  startGateway,
  startHttpOrigin,
  startOrigin,
} from "./support.ts";

test("a port that another program uses is refused by name, with the way out", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  await using running = await startGateway();
  await expect(running.gateway.listen(port)).rejects.toMatchObject({
    code: "PORT_TAKEN",
    message: expect.stringContaining(String(port)),
    hint: expect.stringContaining("CORTEX_LOCAL_PORT"),
  });
  expect((await fetch(`http://localhost:${running.port}/`)).status).toBe(404);
  other.close();
});

test("the gateway is reached by both loopback addresses and by no other", async () => {
  await using running = await startGateway();
  const addresses = running.gateway.listeners().map((server) => (server.address() as { address: string }).address);
  expect(["127.0.0.1", "127.0.0.1,::1"]).toContain(addresses.join());
});

test("moving to another port loses no connection and no request", async () => {
  await using origin = await startOrigin(answering(() => ok("served")));
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api"));
  await client.reply();
  await running.gateway.listen(0);
  expect(running.gateway.port).not.toBe(running.port);
  client.send(get("/api"));
  expect((await client.reply()).headers.has("connection")).toBe(false);
  expect(await (await fetch(`http://localhost:${running.gateway.port}/api`)).text()).toBe("served");
  await expect(fetch(`http://127.0.0.1:${running.port}/api`)).rejects.toThrow();
});

test("after it stopped to accept, each connection ends with its next answer, and idle ones soon", async () => {
  await using origin = await startOrigin(answering(() => ok("served")));
  await using running = await startGateway({ idleGraceMs: 5_000 });
  running.gateway.addBackend("api", backendAt(origin.path));
  using used = new RawClient(running.port);
  using idle = new RawClient(running.port);
  for (const client of [used, idle]) {
    client.send(get("/api"));
    await client.reply();
  }
  await running.gateway.stopAccepting();
  expect(running.gateway.port).toBeUndefined();
  used.send(get("/api"));
  const { status, headers } = await used.reply();
  expect([status, headers.get("connection")]).toEqual([200, "close"]);
  await used.until(({ isEnded }) => isEnded);
  expect(idle.isEnded).toBe(false);
  await idle.until(({ isEnded }) => isEnded);
});

test("a listening socket can be taken over", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const gateway = createGateway({ onAccess() {}, onWaiting() {} });
  gateway.adopt(server);
  expect(gateway.port).toBe((server.address() as { port: number }).port);
  expect((await fetch(`http://127.0.0.1:${gateway.port}/`)).status).toBe(404);
  await gateway.close(AbortSignal.abort());
  expect(server.listening).toBe(false);
});

test("closing waits for what is in flight, and cuts it when told to", async () => {
  let answer: (() => void) | undefined;
  await using origin = await startOrigin(
    answering((_, socket) => {
      answer = () => socket.write(ok("late"));
      return undefined;
    }),
  );
  const running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api"));
  await eventually(() => answer !== undefined);
  let isClosed = false;
  const closed = running.gateway.close(new AbortController().signal).then(() => {
    isClosed = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(isClosed).toBe(false);
  answer!();
  expect((await client.reply()).body).toBe("late");
  client.socket.end();
  await closed;
  await eventually(() => origin.sockets.size === 0);
});

test("metrics are Prometheus text, with labels escaped, and scrapes do not count", async () => {
  await using origin = await startHttpOrigin((request, response) => {
    response.statusCode = request.url === "/bad" ? 422 : 200;
    response.end("12345");
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  running.gateway.setRoute({ api: 'quo"te\\', endpoint: "/q", maxQueueLength: 1 });
  const url = `http://localhost:${running.port}`;
  for (const path of ["/api", "/api/bad", "/api", "/none"]) await (await fetch(url + path)).text();
  await fetch(`${url}/metrics`);
  const reply = await fetch(`${url}/metrics`);
  expect(reply.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await reply.text();
  expect(text).toContain('cortex_requests_total{api="api",code="200",class="2xx"} 2\n');
  expect(text).toContain('cortex_requests_total{api="api",code="422",class="4xx"} 1\n');
  expect(text).toContain('cortex_requests_total{api="",code="404",class="4xx"} 1\n');
  expect(text).toContain('cortex_request_duration_seconds_bucket{api="api",le="+Inf"} 3\n');
  expect(text).toContain('cortex_request_duration_seconds_count{api="api"} 3\n');
  expect(text).toContain('cortex_response_bytes_total{api="api"} 15\n');
  expect(text).toContain('cortex_replicas_ready{api="quo\\"te\\\\"} 0\n');
  for (const line of text.trimEnd().split("\n")) {
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="[^"]*")*\} [0-9.e+-]+)$/);
  }
  const metrics = running.gateway.metrics("api");
  expect(metrics).toMatchObject({ status2xx: 2, status4xx: 1, status5xx: 0, inFlight: 0, queueLength: 0 });
  expect(metrics.requestsPerSecond).toBeGreaterThan(0);
  expect(metrics.p50Ms).toBeGreaterThan(0);
  expect(running.gateway.metrics("unknown")).toMatchObject({ requestsPerSecond: 0, status2xx: 0 });
});
