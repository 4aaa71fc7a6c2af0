import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { runLoad } from "./load.ts";

async function serve(listener: RequestListener): Promise<AsyncDisposable & { url: string; connections: () => number }> {
  let connections = 0;
  const server = createServer(listener).on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Numbers the requests from 1 in the order in which they arrive. */
function numbered(answer: (count: number, ...args: Parameters<RequestListener>) => void): RequestListener {
  let count = 0;
  return (request, response) => {
    count += 1;
    answer(count, request, response);
  };
}

describe.concurrent("runLoad", () => {
  test("sends as many requests as rate and duration say, over kept-alive connections", async () => {
    await using server = await serve((_, response) => response.end("fine"));
    const report = await runLoad({ url: server.url, ratePerSecond: 200, durationMs: 1_000, connections: 4 });
    expect(report).toMatchObject({ sent: 200, ok: 200, failures: [] });
    expect(report.latenciesMs).toHaveLength(200);
    expect(server.connections()).toBeLessThanOrEqual(4);
  });

  test("counts each request whose connection is cut, and no other", async () => {
    const cutting = numbered((count, request, response) => {
      if (count % 10 === 0) request.socket.destroy();
      else response.end("fine");
    });
    await using server = await serve(cutting);
    const report = await runLoad({ url: server.url, ratePerSecond: 200, durationMs: 500, connections: 8 });
    expect(report).toMatchObject({ sent: 100, ok: 90 });
    expect(report.failures).toHaveLength(10);
    for (const failure of report.failures) expect(failure).toEqual({ at: expect.any(Number), error: "socket hang up" });
  });

  test("counts an answer that breaks off in its body", async () => {
    const breaking = numbered((count, request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("half", () => (count === 3 ? request.socket.destroy() : response.end("x".repeat(96))));
    });
    await using server = await serve(breaking);
    const report = await runLoad({ url: server.url, ratePerSecond: 100, durationMs: 100, connections: 1 });
    expect(report).toMatchObject({ sent: 10, ok: 9 });
    expect(report.failures).toEqual([{ at: 20, status: 200, body: "half", error: "aborted" }]);
  });

  test("keeps status and body of every answer that is not 2xx", async () => {
    const refusing = numbered((count, _, response) => {
      response.statusCode = count <= 3 ? 503 : 201;
      response.end(JSON.stringify({ count }));
    });
    await using server = await serve(refusing);
    const report = await runLoad({ url: server.url, ratePerSecond: 100, durationMs: 100, connections: 1 });
    expect(report.ok).toBe(7);
    expect(report.failures.map(({ status, body }) => [status, body])).toEqual(
      [1, 2, 3].map((count) => [503, `{"count":${count}}`]),
    );
  });

  test("a server that stalls once is seen by every request that was due meanwhile", async () => {
    const stalling = numbered((count, _, response) => setTimeout(() => response.end(), count === 1 ? 500 : 0));
    await using server = await serve(stalling);
    const report = await runLoad({ url: server.url, ratePerSecond: 100, durationMs: 500, connections: 1 });
    expect(report.ok).toBe(50);
    // The request due at t waits at least 500 - t, since the only connection is taken until then.
    report.latenciesMs.forEach((latency, index) => {
      expect(latency).toBeGreaterThan(499 - 10 * index);
    });
  });

  test("a request without an answer fails after its time", async () => {
    await using server = await serve(() => {});
    const report = await runLoad({
      url: server.url,
      ratePerSecond: 10,
      durationMs: 100,
      connections: 1,
      timeoutMs: 50,
    });
    expect(report.failures).toEqual([{ at: 0, error: "no answer within 50 ms" }]);
  });

  test("ends when it is told to, once what was sent is answered", async () => {
    const stop = new AbortController();
    const ending = numbered((count, _, response) => {
      if (count === 5) stop.abort();
      setTimeout(() => response.end(), 50);
    });
    await using server = await serve(ending);
    const report = await runLoad({ url: server.url, ratePerSecond: 100, until: stop.signal, connections: 10 });
    expect(report.sent).toBeGreaterThanOrEqual(5);
    expect(report.sent).toBeLessThan(100);
    expect(report.ok).toBe(report.sent);
  });

  test("posts its body as JSON with its length", async () => {
    const bodies: string[] = [];
    await using server = await serve(async (request, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      bodies.push(`${request.method} ${request.headers["content-type"]} ${request.headers["content-length"]} ${text}`);
      response.end();
    });
    await runLoad({ url: server.url, ratePerSecond: 10, durationMs: 100, connections: 1, body: '"ü"' });
    expect(bodies).toEqual(['POST application/json 4 "ü"']);
  });
});
