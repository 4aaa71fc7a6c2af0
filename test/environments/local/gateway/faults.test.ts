import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { answering, backendAt, eventually, get, ok, post, RawClient, startGateway, startOrigin } from "./support.ts";

test("a replica that ends before it answers gives 502 with the cause, named a moment later", async () => {
  let received = 0;
  await using origin = await startOrigin((socket) =>
    socket.on("data", (bytes: Buffer) => {
      received += bytes.length;
    }),
  );
  await using running = await startGateway({ causeGraceMs: 60_000 });
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(post("/api", "x"));
  await eventually(() => received > 0);
  origin.die();
  await eventually(() => running.gateway.sample("api").inFlight === 0);
  running.gateway.failBackend("api", "b1", "out of memory");
  const { status, body, headers } = await client.reply();
  expect([status, headers.get("content-type")]).toEqual([502, "application/json"]);
  expect(JSON.parse(body)).toMatchObject({
    code: "replica_ended",
    error: "replica ended: out of memory",
    replica: "r1",
  });
  client.send(get("/nowhere"));
  expect((await client.reply()).status).toBe(404);
});

test("a replica that hangs up for no known reason gives 502 too", async () => {
  await using origin = await startOrigin((socket) => socket.on("data", () => socket.end()));
  await using running = await startGateway({ causeGraceMs: 10 });
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api"));
  const { status, body } = await client.reply();
  expect([status, JSON.parse(body).error]).toEqual([
    502,
    "replica ended: it closed the connection before it had answered",
  ]);
});

test("connections that a dead replica's child holds open are cut", async () => {
  await using origin = await startOrigin((socket) => socket.resume());
  await using running = await startGateway({ causeGraceMs: 10 });
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api"));
  await eventually(() => origin.sockets.size === 1);
  running.gateway.failBackend("api", "b1", "exit status 1");
  expect(JSON.parse((await client.reply()).body).error).toBe("replica ended: exit status 1");
});

test("a replica that ends within its answer cuts the connection, so that nobody takes it for whole", async () => {
  await using origin = await startOrigin((socket) =>
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
      setTimeout(() => socket.destroy(), 20);
    }),
  );
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api"));
  await client.closed();
  expect(client.text).toContain("half");
  expect(client.error?.code).toBe("ECONNRESET");
  expect(running.access).toMatchObject([{ status: 502 }]);
});

test("what is not HTTP, or too much of it, gives 502", async () => {
  const answers = [
    "nonsense\r\n\r\n",
    ok("a", "content-length: 2\r\n"),
    ok("a", "x : y\r\n"),
    "HTTP/1.1 20 OK\r\n\r\n",
  ];
  answers.push(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}\r\n\r\n`, "HTTP/1.1 101 Switching\r\n\r\n");
  let next = 0;
  await using origin = await startOrigin(answering(() => answers[next++]));
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  for (const answer of answers) {
    client.send(get("/api"));
    const { status, body } = await client.reply();
    expect([answer.slice(0, 40), status, JSON.parse(body).code]).toEqual([
      answer.slice(0, 40),
      502,
      "invalid_response",
    ]);
  }
});

test("bytes after an answer never become the answer to the next request", async () => {
  let requests = 0;
  await using origin = await startOrigin(answering(() => ok(`n${++requests}`) + (requests === 1 ? ok("forged") : "")));
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  for (const body of ["n1", "n2"]) {
    client.send(get("/api"));
    expect((await client.reply()).body).toBe(body);
  }
});

/** Answers one request per connection, then closes it a moment later without having read what came meanwhile. */
const impatientReplica = `
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    if not connection.recv(65536): continue
    connection.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\n\\r\\nfine")
    time.sleep(0.03)
    connection.close()
`;

test("a connection that the replica closes for being idle, just as it is used again, costs no request", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gateway-"));
  const path = join(folder, "s");
  const replica = spawn("python3", ["-c", impatientReplica, path], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(replica.stdout, "data");
    await using running = await startGateway();
    running.gateway.addBackend("api", backendAt(path));
    using client = new RawClient(running.port);
    for (let i = 0; i < 5; i++) {
      client.send(post("/api", "not to be repeated"));
      expect((await client.reply()).body).toBe("fine");
    }
  } finally {
    replica.kill();
    await rm(folder, { recursive: true, force: true });
  }
});

test("a request that a replica read and did not answer is never sent again", async () => {
  let requests = 0;
  await using origin = await startOrigin(
    answering((_, socket) => {
      if (++requests === 1) return ok("fine");
      socket.end();
      return undefined;
    }),
  );
  await using running = await startGateway({ causeGraceMs: 5 });
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(post("/api", "x"));
  expect((await client.reply()).status).toBe(200);
  client.send(post("/api", "x"));
  expect((await client.reply()).status).toBe(502);
  expect(requests).toBe(2);
});

test("a replica that takes no connections loses no request when there is another", async () => {
  await using dead = await startOrigin(() => {});
  await using alive = await startOrigin(answering(() => ok("alive")));
  dead.die();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(dead.path, { id: "dead" }));
  running.gateway.addBackend("api", backendAt(alive.path));
  const replies = await Promise.all(Array.from({ length: 10 }, () => fetch(`http://localhost:${running.port}/api`)));
  expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200));
});

test("a replica that takes no connections at all gives 502 after some tries", async () => {
  await using dead = await startOrigin(() => {});
  dead.die();
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(dead.path));
  const reply = await fetch(`http://localhost:${running.port}/api`);
  expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([502, "replica_unreachable"]);
});

test("an answer before the whole request has come reaches the client, and the connections are not used again", async () => {
  await using origin = await startOrigin((socket) => {
    socket.once("data", () => socket.write(ok("too large")));
    socket.on("end", () => socket.end());
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send("POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc");
  const { body, headers } = await client.reply();
  expect([body, headers.get("connection")]).toEqual(["too large", "close"]);
  await client.until(({ isEnded }) => isEnded);
  await eventually(() => origin.sockets.size === 0);
});

test("a client that reads slowly holds the replica back, and the gateway's memory stays small", async () => {
  const size = 256 * 1024 * 1024;
  let written = 0;
  await using origin = await startOrigin((socket) => {
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      const block = Buffer.alloc(1024 * 1024, "x");
      const more = () => {
        while (written < size) {
          written += block.length;
          if (!socket.write(block)) return void socket.once("drain", more);
        }
      };
      more();
    });
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.socket.removeAllListeners("data");
  client.socket.pause();
  client.send(get("/api"));
  await eventually(() => written > 1024 * 1024);
  let before = -1;
  await eventually(() => {
    const isStill = before === written;
    before = written;
    return isStill;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(written).toBeLessThan(24 * 1024 * 1024);
  let received = 0;
  client.socket.on("data", (bytes: Buffer) => {
    received += bytes.length;
  });
  client.socket.resume();
  await eventually(() => received > size);
  await eventually(() => running.access.length === 1);
  expect(running.access[0]).toMatchObject({ status: 200, bytesOut: size });
});

test("the last answer of a connection arrives whole, however long the client takes to read it", async () => {
  const size = 8 * 1024 * 1024;
  await using origin = await startOrigin(answering(() => ok("x".repeat(size))));
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api", "Connection: close\r\n"));
  await client.until(({ text }) => text.length > 0);
  client.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  client.socket.resume();
  expect((await client.reply()).body.length).toBe(size);
  await client.until(({ isEnded }) => isEnded);
});

test("a replica that reads slowly holds the client back", async () => {
  const sockets: Socket[] = [];
  await using origin = await startOrigin((socket) => {
    sockets.push(socket);
    socket.pause();
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  const size = 64 * 1024 * 1024;
  client.send(`POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
  const block = Buffer.alloc(64 * 1024, "x");
  let sent = 0;
  while (sent < size && client.socket.write(block)) sent += block.length;
  const pump = () => {
    while (sent < size) {
      sent += block.length;
      if (!client.socket.write(block)) return;
    }
  };
  client.socket.on("drain", pump);
  pump();
  await eventually(() => sockets.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(sent).toBeLessThan(24 * 1024 * 1024);
  let received = 0;
  sockets[0]!.on("data", (bytes: Buffer) => {
    received += bytes.length;
    if (received >= size) sockets[0]!.write(ok("got it"));
  });
  sockets[0]!.resume();
  expect((await client.reply()).body).toBe("got it");
});

test("however the bytes of requests are split into packets, replicas and clients see the same", async () => {
  const seen: string[] = [];
  await using origin = await startOrigin(
    answering((request) => {
      seen.push(request);
      return ok(request.split("\r\n")[0]!);
    }),
  );
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  const ids = "X-Request-Id: same\r\n";
  const requests = [
    get("/api/one?a=b", ids),
    post("/api", "hello", ids),
    `\r\nPUT /api/x HTTP/1.1\r\nhost: y\r\nTransfer-Encoding: chunked\r\n${ids}\r\n3;a=b\r\nabc\r\n0\r\n\r\n`,
    get("/no", ids),
    post("/api/last", "x".repeat(300), `Connection: close\r\n${ids}`),
  ];
  const bytes = Buffer.from(requests.join(""), "latin1");
  const talk = async (cuts: readonly number[]): Promise<string> => {
    using client = new RawClient(running.port);
    const points = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
    for (let i = 1; i < points.length; i++) {
      if (points[i]! > points[i - 1]!) client.send(bytes.subarray(points[i - 1], points[i]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(({ isEnded }) => isEnded);
    return client.text;
  };
  const whole = await talk([]);
  const seenWhole = seen.splice(0);
  expect(seenWhole.length).toBe(4);
  const cuts = fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(cuts, async (points) => {
      expect(await talk(points)).toBe(whole);
      expect(seen.splice(0)).toEqual(seenWhole);
    }),
    { numRuns: 60 },
  );
});
