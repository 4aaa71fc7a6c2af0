import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import {
  answering,
  backendAt,
  eventually,
  get,
  ok,
  post,
  RawClient,
  startGateway,
  startHttpOrigin,
  startOrigin,
} from "./support.ts";

/** A gateway before one replica that answers with the request it got, as text. */
async function startEcho() {
  const origin = await startOrigin(answering((request) => ok(request)));
  const running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  const client = new RawClient(running.port);
  return {
    ...running,
    origin,
    client,
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      await running[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

test("a request reaches the replica without the endpoint, and the answer carries its id", async () => {
  await using echo = await startEcho();
  echo.client.send(post("/api/sub%2Fpath/../x?q=%20&r", "body", "X-Request-Id: my-id\r\n"));
  const { status, headers, body } = await echo.client.reply();
  expect(status).toBe(200);
  expect(headers.get("x-request-id")).toBe("my-id");
  expect(body).toBe(
    "POST /sub%2Fpath/../x?q=%20&r HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nx-forwarded-proto: http\r\n" +
      "x-forwarded-for: 127.0.0.1\r\nx-forwarded-prefix: /api\r\nx-request-id: my-id\r\n\r\nbody",
  );
  await eventually(() => echo.access.length === 1);
  expect(echo.access[0]).toMatchObject({
    api: "api",
    revision: 3,
    replica: "r1",
    method: "POST",
    path: "/api/sub%2Fpath/../x",
    status: 200,
    requestId: "my-id",
    bytesIn: 4,
    bytesOut: body.length,
  });
});

test("requests follow each other on one connection, and use one connection to the replica", async () => {
  await using echo = await startEcho();
  const ids = new Set<string | undefined>();
  for (let i = 0; i < 20; i++) {
    echo.client.send(get("/api"));
    const { status, headers } = await echo.client.reply();
    expect(status).toBe(200);
    ids.add(headers.get("x-request-id"));
  }
  expect(ids.size).toBe(20);
  expect(echo.origin.sockets.size).toBe(1);
});

test("pipelined requests are answered in order, also those that no replica gets", async () => {
  await using echo = await startEcho();
  const paths = Array.from({ length: 50 }, (_, i) => (i % 3 === 0 ? `/nowhere/${i}` : `/api/${i}`));
  echo.client.send(paths.map((path) => get(path)).join(""));
  for (const path of paths) {
    const { status, body } = await echo.client.reply();
    expect([path, status]).toEqual([path, path.startsWith("/api") ? 200 : 404]);
    expect(body).toContain(path.replace("/api", ""));
  }
});

test("the connection closes after the answer when the client says so, or is HTTP/1.0", async () => {
  await using echo = await startEcho();
  echo.client.send(get("/api", "Connection: close\r\n"));
  expect((await echo.client.reply()).headers.get("connection")).toBe("close");
  await echo.client.until(({ isEnded }) => isEnded);
  using old = new RawClient(echo.port);
  old.send("GET /api HTTP/1.0\r\n\r\n");
  expect((await old.reply()).headers.get("connection")).toBe("close");
  await old.until(({ isEnded }) => isEnded);
  using keeping = new RawClient(echo.port);
  for (let i = 0; i < 2; i++) {
    keeping.send("GET /api HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect((await keeping.reply()).headers.get("connection")).toBe("keep-alive");
  }
});

test("answers to HEAD and those with status 204 and 304 have no body, and the connection stays in step", async () => {
  const reply = (line: string) => `HTTP/1.1 ${line}\r\n\r\n`;
  await using origin = await startOrigin(
    answering((request) => {
      if (request.startsWith("HEAD /chunked")) return reply("200 OK\r\ntransfer-encoding: chunked");
      if (request.startsWith("HEAD")) return reply("200 OK\r\ncontent-length: 5");
      if (request.includes("/204")) return reply("204 No Content");
      if (request.includes("/304")) return reply("304 Not Modified\r\ncontent-length: 5");
      return ok("plain");
    }),
  );
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  const head = (path: string) => get(path).replace("GET", "HEAD");
  client.send(head("/api") + head("/api/chunked") + head("/nowhere") + get("/api/204") + get("/api/304") + get("/api"));
  expect((await client.reply({ toHead: true })).headers.get("content-length")).toBe("5");
  expect((await client.reply({ toHead: true })).headers.get("transfer-encoding")).toBe("chunked");
  expect((await client.reply({ toHead: true })).status).toBe(404);
  expect((await client.reply()).status).toBe(204);
  expect((await client.reply()).status).toBe(304);
  expect((await client.reply()).body).toBe("plain");
});

test("chunked bodies and trailers pass both ways as they are", async () => {
  const chunks = "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n";
  let seen = "";
  await using origin = await startOrigin((socket) => {
    socket.on("data", (bytes: Buffer) => {
      seen += bytes.toString("latin1");
      if (seen.endsWith("5\r\n\r\n")) socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    });
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send("POST /api HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const byte of chunks) client.send(byte);
  const { body } = await client.reply();
  expect(body).toBe(chunks);
  expect(seen.slice(seen.indexOf("\r\n\r\n") + 4)).toBe(chunks);
});

test("a client of HTTP/1.0 gets the content of chunks, and a body without length ends with the connection", async () => {
  await using origin = await startOrigin(
    answering((request, socket) => {
      if (request.includes("/until-close")) {
        socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
        return undefined;
      }
      return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    }),
  );
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using old = new RawClient(running.port);
  old.send("GET /api HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const dechunked = await old.reply();
  expect(dechunked.body).toBe("abcde");
  expect(dechunked.headers.has("transfer-encoding")).toBe(false);
  using client = new RawClient(running.port);
  client.send(get("/api/until-close"));
  const { body, headers } = await client.reply();
  expect(body).toBe("all of it");
  expect(headers.get("connection")).toBe("close");
});

test("a client that expects 100-continue gets the replica's word, then sends its body", async () => {
  await using origin = await startHttpOrigin((request, response) => {
    let length = 0;
    request.on("data", (bytes: Buffer) => {
      length += bytes.length;
    });
    request.on("end", () => response.end(String(length)));
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send("POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  expect((await client.reply()).status).toBe(100);
  client.send("hello");
  expect((await client.reply()).body).toBe("5");
});

test("what a replica streams arrives while it streams", async () => {
  const sockets: Socket[] = [];
  await using origin = await startOrigin((socket) => {
    sockets.push(socket);
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"));
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api"));
  await client.until(({ text }) => text.endsWith("3\r\none\r\n"));
  sockets[0]!.write("3\r\ntwo\r\n");
  await client.until(({ text }) => text.endsWith("3\r\ntwo\r\n"));
  sockets[0]!.write("0\r\n\r\n");
  expect((await client.reply()).body).toBe("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
});

test("large bodies pass unchanged both ways, in step with small ones", async () => {
  await using origin = await startHttpOrigin((request, response) => {
    response.setHeader("x-request-id", "of-the-replica");
    request.pipe(response);
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path, { maxConcurrency: 4 }));
  const send = async (size: number): Promise<void> => {
    const body = Buffer.alloc(size, `${size}-`);
    const reply = await fetch(`http://localhost:${running.port}/api`, { method: "POST", body });
    expect(reply.headers.get("x-request-id")).toBe("of-the-replica");
    expect(Buffer.compare(Buffer.from(await reply.arrayBuffer()), body)).toBe(0);
  };
  for (const size of [0, 1, 16_383, 16_384, 65_535, 65_536, 65_537, 200_000, 10, 3_000_000]) await send(size);
  await Promise.all(Array.from({ length: 12 }, (_, i) => send(i * 100_000 + 1)));
});

test("a WebSocket is passed through until either side closes", async () => {
  const heads: string[] = [];
  await using origin = await startOrigin((socket) => {
    socket.on("end", () => socket.end());
    socket.once("data", (bytes: Buffer) => {
      heads.push(bytes.toString("latin1"));
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: z\r\n\r\nhi",
      );
      socket.on("data", (more: Buffer) => socket.write(more));
    });
  });
  await using running = await startGateway();
  running.gateway.addBackend("api", backendAt(origin.path));
  using client = new RawClient(running.port);
  client.send(get("/api/ws", "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: y\r\n"));
  const { status, headers } = await client.reply();
  expect([status, headers.get("upgrade"), headers.get("connection")]).toEqual([101, "websocket", "upgrade"]);
  expect(heads[0]).toContain("connection: upgrade\r\nupgrade: websocket\r\n");
  await client.until(({ text }) => text === "hi");
  client.send("GET / HTTP/1.1\r\n\r\n\0\n");
  await client.until(({ text }) => text === "hiGET / HTTP/1.1\r\n\r\n\0\n");
  expect(running.gateway.sample("api").inFlight).toBe(1);
  client.socket.end();
  await client.closed();
  await eventually(() => running.gateway.sample("api").inFlight === 0);
  expect(running.access).toMatchObject([{ status: 101, path: "/api/ws" }]);
});

test("a replica's refusal to speak WebSocket is an answer like others", async () => {
  await using echo = await startEcho();
  echo.client.send(get("/api", "Upgrade: websocket\r\nConnection: Upgrade\r\n"));
  expect((await echo.client.reply()).status).toBe(200);
  echo.client.send(get("/api"));
  expect((await echo.client.reply()).body).not.toContain("pgrade");
});

test("a replica on a loopback port is served like one on a socket", async () => {
  await using origin = await startHttpOrigin((_, response) => response.end("tcp"));
  origin.server.close();
  origin.server.listen(0, "127.0.0.1");
  await once(origin.server, "listening");
  const { port } = origin.server.address() as { port: number };
  await using running = await startGateway();
  running.gateway.addBackend("api", { ...backendAt(""), address: { port } });
  expect(await (await fetch(`http://localhost:${running.port}/api`)).text()).toBe("tcp");
});
