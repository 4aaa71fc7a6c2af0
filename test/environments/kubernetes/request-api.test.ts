import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiRequest, ApiState } from "../../../src/core/environment.ts";
import { requestApi, targetOf } from "../../../src/environments/kubernetes/request-api.ts";
import type { KubeClient } from "../../../src/kubernetes/kube-client.ts";
import { clusterTest, type ScratchNamespace, scratchNamespace } from "../../support/cluster.ts";
import { isReady, servingPod, untilPods } from "./support/pods.ts";

const { signal } = new AbortController();
const stateAt = (endpoint: string) =>
  ({ name: "iris", endpoint, revision: { spec: { kind: "RealtimeAPI" } } }) as unknown as ApiState;
const request: ApiRequest = {
  method: "PUT",
  path: "/a%20b/c?x=1&y=%2F",
  headers: { authorization: "Bearer theirs", "x-one": "1" },
  body: Buffer.from("body"),
};
/** Says what it was asked, and an end once it is asked for that. */
const echo = `
import http.server, json, threading
wanted = threading.Semaphore(0)
class H(http.server.BaseHTTPRequestHandler):
  def do_PUT(self):
    body = self.rfile.read(int(self.headers["content-length"]))
    self.send_response(207); self.send_header("location", "/elsewhere"); self.end_headers()
    self.wfile.write(json.dumps({"path": self.path, "headers": dict(self.headers), "body": body.decode()}).encode()); self.wfile.flush()
    wanted.acquire(); self.wfile.write(b"\\nend")
  def do_POST(self):
    wanted.release(); self.send_response(204); self.end_headers()
  def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("", 8500), H).serve_forever()
`;

describe("the API that a TrafficSplitter's request goes to", () => {
  test("is chosen by weight, and never a shadow", () => {
    const apis = [
      { name: "a", weight: 30, shadow: false },
      { name: "s", weight: 100, shadow: true },
      { name: "b", weight: 70, shadow: false },
    ];
    const counts = Object.groupBy(
      Array.from({ length: 100 }, (_, index) => targetOf({ apis }, index / 100)),
      (name) => name,
    );
    expect(Object.entries(counts).map(([name, all]) => [name, all?.length])).toEqual([
      ["a", 30],
      ["b", 70],
    ]);
  });
});

describe("a request", () => {
  test("goes through the gateway, below the API's endpoint, where one is reachable", async () => {
    const gateway = createServer(async (incoming, response) => {
      response.setHeader("x-path", incoming.url ?? "");
      response.end(Buffer.concat([Buffer.from(`${incoming.headers.authorization} `), await buffer(incoming)]));
    }).listen(0, "127.0.0.1");
    await once(gateway, "listening");
    const state = stateAt(`http://127.0.0.1:${(gateway.address() as AddressInfo).port}/iris`);
    const answer = await requestApi({} as KubeClient, "models", state, request, signal);
    expect(answer).toMatchObject({ status: 200, headers: { "x-path": `/iris${request.path}` } });
    expect(Buffer.concat(await Array.fromAsync(answer.body)).toString()).toBe("Bearer theirs body");
    gateway.close();
  });
});

clusterTest("a request without a gateway", () => {
  let scratch: ScratchNamespace;
  beforeAll(async () => {
    scratch = await scratchNamespace("client");
  });
  afterAll(() => scratch[Symbol.asyncDispose]());
  const ask = (endpoint: string, asked = request) =>
    requestApi(scratch.client, scratch.name, stateAt(endpoint), asked, signal);

  test("is answered with 503 while no replica is ready, and reaches one as it is when there is one", async () => {
    const inside = `http://iris.${scratch.name}`;
    const refused = await ask(inside);
    expect(refused.status).toBe(503);
    expect(JSON.parse(await text(refused.body as never))).toEqual({ error: "iris has no replica that is ready" });

    await scratch.client.create(servingPod(scratch.name, "iris-a", echo), signal);
    await untilPods(scratch.client, scratch.name, (pods) => pods.some(isReady));
    const answered = async (endpoint: string) => {
      const answer = await ask(endpoint);
      const parts: string[] = [];
      for await (const part of answer.body) {
        if (parts.length === 0) expect((await ask(endpoint, { ...request, method: "POST" })).status).toBe(204);
        parts.push(Buffer.from(part).toString());
      }
      return { ...answer, parts };
    };
    for (const endpoint of [inside, "http://127.0.0.1:1/iris", "http://no-host.invalid/iris"]) {
      const { headers, parts } = await answered(endpoint);
      expect(headers.location).toBe("/elsewhere");
      expect(parts).toEqual([expect.any(String), "\nend"]);
      expect(JSON.parse(parts[0]!)).toMatchObject({
        path: request.path,
        headers: { authorization: "Bearer theirs", "x-one": "1", "content-length": "4" },
        body: "body",
      });
    }
  }, 240_000);
});
