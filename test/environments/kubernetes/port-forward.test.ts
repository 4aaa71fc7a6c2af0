import { once } from "node:events";
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PortForwardOptions } from "../../../src/core/environment.ts";
import { forwardPort } from "../../../src/environments/kubernetes/port-forward.ts";
import { resource } from "../../../src/kubernetes/objects.ts";
import { clusterTest, type ScratchNamespace, scratchNamespace } from "../../support/cluster.ts";
import { isReady, servingPod, untilPods } from "./support/pods.ts";

const { signal } = new AbortController();
const server = `
import http.server, os
class H(http.server.BaseHTTPRequestHandler):
  protocol_version = "HTTP/1.1"
  def do_POST(self):
    body = self.rfile.read(int(self.headers["content-length"]))
    self.send_response(200); self.send_header("content-length", str(len(body))); self.send_header("replica", os.environ["HOSTNAME"]); self.end_headers()
    self.wfile.write(body)
  def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("", 8500), H).serve_forever()
`;

clusterTest("a forwarded port", () => {
  let scratch: ScratchNamespace;
  beforeAll(async () => {
    scratch = await scratchNamespace("client");
    for (const name of ["iris-a", "iris-b"])
      await scratch.client.create(servingPod(scratch.name, name, server), signal);
    await untilPods(scratch.client, scratch.name, (pods) => pods.filter(isReady).length === 2);
  }, 240_000);
  afterAll(() => scratch[Symbol.asyncDispose]());

  async function forwarded(options: Partial<PortForwardOptions> = {}) {
    const stop = new AbortController();
    const listening = Promise.withResolvers<number>();
    const { client, name } = scratch;
    const running = forwardPort(client, name, "iris", { localPort: 0, ...options }, listening.resolve, stop.signal);
    running.catch(listening.reject);
    return {
      port: await listening.promise,
      async [Symbol.asyncDispose]() {
        stop.abort(new Error("enough"));
        await expect(running).rejects.toThrow("enough");
      },
    };
  }

  test("carries many connections at once, byte for byte", async () => {
    await using forward = await forwarded();
    const bodies = Array.from({ length: 40 }, (_, index) => Buffer.alloc(200_000 + index, `${index} `));
    const answers = await Promise.all(bodies.map((body) => post(forward.port, body)));
    expect(answers.every(({ body }, index) => body.equals(bodies[index]!))).toBe(true);
    expect(new Set(answers.map(({ replica }) => replica)).size).toBe(1);
  }, 240_000);

  test("leads to another replica when the one it led to is gone", async () => {
    await using forward = await forwarded();
    const { replica } = await post(forward.port, Buffer.from("x"));
    await scratch.client.remove(resource.pod, scratch.name, replica, {}, signal);
    const next = () =>
      post(forward.port, Buffer.from("x")).then(
        (answer) => answer.replica,
        () => replica,
      );
    await expect.poll(next, { timeout: 90_000 }).not.toBe(replica);
  }, 240_000);

  test("to which nothing listens in the replica is closed", async () => {
    await using forward = await forwarded({ remotePort: 9 });
    const socket = connect(forward.port, "127.0.0.1");
    socket.on("error", () => {}).write("hello");
    await new Promise((closed) => socket.once("close", closed));
  });

  test("that is in use is said to be", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    await expect(forwarded({ localPort: port })).rejects.toMatchObject({ code: "PORT_TAKEN" });
    other.close();
  });
});

async function post(port: number, body: Buffer): Promise<{ readonly body: Buffer; readonly replica: string }> {
  const sent = request({
    host: "127.0.0.1",
    port,
    method: "POST",
    agent: false,
    headers: { "content-length": body.length },
  });
  sent.end(body);
  const [response] = await once(sent, "response");
  return { body: await buffer(response), replica: response.headers.replica };
}
