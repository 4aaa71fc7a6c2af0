import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ApiMetrics } from "../../../src/core/environment.ts";
import { objectsOf } from "../../../src/environments/kubernetes/manifests/objects.ts";
import { serviceAddress } from "../../../src/environments/kubernetes/metrics/prometheus.ts";
import { quantileOf } from "../../../src/environments/kubernetes/metrics/quantile.ts";
import { type Measured, queriesFor } from "../../../src/environments/kubernetes/metrics/queries.ts";
import { metricsOf, readMetrics } from "../../../src/environments/kubernetes/metrics/read-metrics.ts";
import type { KubeClient, RawRequest } from "../../../src/kubernetes/kube-client.ts";
import { resource } from "../../../src/kubernetes/objects.ts";
import { parseApis } from "../../../src/spec/parse-apis.ts";
import { clusterTest, scratchNamespace } from "../../support/cluster.ts";
import { eventually } from "../../support/cortex.ts";

const { signal } = new AbortController();
const all: Measured = { apis: undefined, splitters: [] };

describe("the address of Prometheus", () => {
  test.each([
    ["http://prometheus.monitoring:9090", "monitoring prometheus:9090 "],
    ["http://prometheus.monitoring.svc:9090/", "monitoring prometheus:9090 "],
    ["https://prom.obs.svc.cluster.local/base/", "obs https:prom:443 /base"],
    ["http://prom.obs.svc.example.internal", "obs prom:80 "],
  ])("%s is a Service", (url, shown) => {
    const { namespace, isHttps, name, port, path } = serviceAddress(url)!;
    expect(`${namespace} ${isHttps ? "https:" : ""}${name}:${port} ${path}`).toBe(shown);
  });

  test.each(["http://localhost:9090", "http://10.0.0.7:9090", "https://prometheus.example.com/x", "http://[::1]:9090"])(
    "%s is asked directly",
    (url) => expect(serviceAddress(url)).toBeUndefined(),
  );
});

test("few names are asked for by name, many by their namespace, splitters by their routes", () => {
  const ask = (apis: readonly string[] | undefined, splitters: readonly string[] = []) =>
    queriesFor("shop", { apis, splitters }, "1m");
  expect(ask(["a", "b"]).now).toContain('cortex_namespace="shop",cortex_api=~"a|b"');
  const many = Array.from({ length: 1_000 }, (_, index) => `api-${index}`);
  expect(ask(many)).toEqual(ask(undefined));
  expect(ask(undefined).answers).not.toContain("HTTPRoute");
  expect(ask(undefined, ["s", "t"]).answers).toContain('envoy_route=~"HTTPRoute/shop/(s|t)"');
});

describe("quantiles", () => {
  const buckets = (...counts: readonly (readonly [number, number])[]) =>
    counts.map(([atMost, count]) => ({ atMost, count }));
  const any = Number.POSITIVE_INFINITY;

  test("lie where requests evenly spread within their bucket would be", () => {
    const some = buckets([10, 50], [20, 90], [50, 99], [any, 100]);
    expect(quantileOf(some, 0.5)).toBe(10);
    expect(quantileOf(some, 0.7)).toBe(15);
    expect(quantileOf(some, 0.99)).toBe(50);
    expect(quantileOf(some, 1)).toBe(50);
    expect(quantileOf(buckets([5, 4], [any, 4]), 0.5)).toBe(2.5);
    expect(quantileOf(buckets([any, 4]), 0.5)).toBeUndefined();
    expect(quantileOf([], 0.5)).toBeUndefined();
  });

  test("never fall as q grows, and stay within the bounds", () => {
    const counts = fc.array(fc.nat(50), { minLength: 2, maxLength: 10 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(counts, share, share, (steps, one, other) => {
        let total = 0;
        const made = steps.map((step, index) => {
          total += step;
          return { atMost: index + 1 === steps.length ? any : 2 ** index, count: total };
        });
        const [low, high] = [one, other].toSorted((a, b) => a - b).map((q) => quantileOf(made, q)) as [number, number];
        if (total === 0) return expect(low).toBeUndefined();
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(high);
        expect(high).toBeLessThanOrEqual(2 ** (steps.length - 2));
      }),
    );
  });
});

const gauge = (name: string, api: string, value: number) => ({ labels: { __name__: name, cortex_api: api }, value });
const answered = (api: string, statusClass: number, value: number) => ({
  labels: { cortex_api: api, envoy_response_code_class: String(statusClass) },
  value,
});
const within = (api: string, le: string, value: number) => ({ labels: { cortex_api: api, le }, value });

test("answers of Prometheus become figures by API; without a request there is no latency", () => {
  const metrics = metricsOf(
    [gauge("envoy_cluster_upstream_rq_active", "a", 3), gauge("envoy_cluster_upstream_rq_pending_active", "a", 2)],
    [answered("a", 2, 90), answered("a", 3, 4), answered("a", 5, 1), answered("gone", 2, 7)],
    [within("a", "+Inf", 4), within("a", "10", 2), within("a", "20", 4)],
  );
  expect(Object.fromEntries(metrics)).toEqual({
    a: {
      inFlight: 3,
      queueLength: 2,
      status2xx: 90,
      status4xx: 0,
      status5xx: 1,
      requestsPerSecond: 4,
      p50Ms: 10,
      p99Ms: expect.closeTo(19.8),
    },
    gone: { inFlight: 0, queueLength: 0, status2xx: 7, status4xx: 0, status5xx: 0, requestsPerSecond: 0 },
  });
});

/** A Prometheus in this process, and a client of no cluster. */
async function startPrometheus(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    read: (login = "") => readMetrics({} as KubeClient, `http://${login}127.0.0.1:${port}`, "shop", all, signal),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const vector = (result: readonly unknown[]) =>
  JSON.stringify({ status: "success", data: { resultType: "vector", result } });

describe("a Prometheus outside the cluster", () => {
  test("is asked with the user and password of its URL, which no message shows", async () => {
    const asked: unknown[] = [];
    await using prometheus = await startPrometheus((request, response) => {
      asked.push(request.headers.authorization);
      if (request.headers.authorization === undefined) response.statusCode = 401;
      response.end(vector([]));
    });
    expect(await prometheus.read("ada:s%40cret@")).toEqual(new Map());
    expect(asked[0]).toBe(`Basic ${Buffer.from("ada:s@cret").toString("base64")}`);
    const refused = await prometheus.read().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "NOT_AUTHORISED", hint: expect.stringContaining("user:password") });
    const unreachable = await readMetrics({} as KubeClient, "http://ada:s@127.0.0.1:9", "s", all, signal).catch(
      (error: Error) => error,
    );
    expect(unreachable).toMatchObject({ code: "REQUEST_FAILED" });
    expect(String(unreachable)).not.toContain("ada");
  });

  test("that looks seldom is asked about five minutes", async () => {
    const windows: string[] = [];
    await using prometheus = await startPrometheus((request, response) => {
      const query = new URL(request.url!, "http://x").searchParams.get("query")!;
      const window = /le\).*\[(\d)m\]/.exec(query)?.[1];
      if (window) windows.push(window);
      const metric = query.includes(" by (__name__")
        ? { __name__: "envoy_cluster_upstream_rq_active" }
        : { le: "+Inf" };
      const isKnown = window === "1" ? [] : [{ metric: { cortex_api: "a", ...metric }, value: [1, "6"] }];
      response.end(vector(isKnown));
    });
    expect((await prometheus.read()).get("a")).toMatchObject({ requestsPerSecond: 6, inFlight: 6 });
    expect(windows).toEqual(["1", "5"]);
  });

  test("that is slow, broken or another server is one clear line", async () => {
    await using slow = await startPrometheus(() => {});
    await expect(slow.read()).rejects.toThrow(/^Prometheus at http:\/\/127.0.0.1:\d+ did not answer within 3 s$/);
    await using broken = await startPrometheus((_, response) => {
      response.statusCode = 422;
      response.end(JSON.stringify({ status: "error", error: "query processing would load too many samples" }));
    });
    await expect(broken.read()).rejects.toThrow("query processing would load too many samples");
    await using other = await startPrometheus((_, response) => response.end("<html>"));
    await expect(other.read()).rejects.toThrow("is no Prometheus");
  });
});

test("who may not reach it through the API server is told the right that is missing", async () => {
  const asked: RawRequest[] = [];
  const client = {
    async request(request: RawRequest) {
      asked.push(request);
      return { status: 403, headers: {}, body: (async function* () {})() };
    },
  } as unknown as KubeClient;
  const refused = readMetrics(client, "https://prom.obs/x", "shop", all, signal);
  await expect(refused).rejects.toMatchObject({
    code: "NOT_AUTHORISED",
    hint: "get services/proxy of prom in the namespace obs is needed",
  });
  expect(asked[0]?.path).toMatch(
    /^\/api\/v1\/namespaces\/obs\/services\/https:prom:443\/proxy\/x\/api\/v1\/query\?query=/,
  );
});

/** Waits as long as a request's path says, in milliseconds; what is held waits until that is let go. */
const server = `import http.server, threading, time
let_go = threading.Event()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        if name.isdigit(): time.sleep(int(name) / 1000)
        if name == "held": let_go.wait()
        if name == "let-go": let_go.set()
        self.send_response(404 if name == "none" else 200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()`;

const configuration = `- name: measured
  pod:
    port: 8080
    max_concurrency: 4
    containers:
      - name: api
        image: docker.io/library/python:3.11-slim
        command: [python3, -c, ${JSON.stringify(server)}]
        compute: {cpu: 20m, mem: 64Mi}
`;

clusterTest("Prometheus in the cluster", () => {
  const prometheusUrl = "http://prometheus.monitoring:9090";

  test("counts every request, also those of replicas that are gone, and tells what is in-flight", {
    timeout: 600_000,
  }, async () => {
    await using scratch = await scratchNamespace("traffic");
    const { client, name: namespace } = scratch;
    const { apis } = await parseApis({ file: "cortex.yaml", text: configuration, variables: {} });
    const secrets = { hasVariables: false, hasPullSecret: false };
    const record = {
      ...secrets,
      number: 1,
      id: "0123456789abcdef",
      project: "",
      spec: apis[0]!,
      createdAt: new Date().toISOString(),
      createdBy: "test@test",
      writtenBy: "dev",
    };
    const features = { minorVersion: 34, gateway: undefined, hasKeda: false, prometheusUrl, hasPodMonitor: false };
    const { objects } = objectsOf({ ...secrets, namespace, record, features, owner: undefined, replicas: 1 });
    for (const object of objects) await client.apply(object, {}, signal);
    const get = async (path: string, from = "services/measured:80") => {
      const { status, body } = await client.request(
        { method: "GET", path: `/api/v1/namespaces/${namespace}/${from}/proxy/${path}` },
        AbortSignal.timeout(300_000),
      );
      for await (const _ of body);
      return status;
    };
    const metrics = async () => (await readMetrics(client, prometheusUrl, namespace, all, signal)).get("measured");
    const shows = (isSo: (metrics: ApiMetrics) => boolean) =>
      eventually(async () => {
        const now = await metrics();
        if (now && isSo(now)) return now;
        throw new Error(`Prometheus says ${JSON.stringify(now)}`);
      }, 180_000);

    await eventually(async () => (await get("0")) === 200 || undefined, 180_000);
    await shows(({ status2xx }) => status2xx === 1);
    for (let sent = 0; sent < 40; sent += 1) expect(await get(sent % 4 === 0 ? "150" : "10")).toBe(200);
    for (let sent = 0; sent < 5; sent += 1) expect(await get("none")).toBe(404);
    // Its answers are read side by side: one of them may know of a scrape that another has not seen yet.
    await eventually(async () => {
      const counted = await metrics();
      expect(counted).toMatchObject({ status2xx: 41, status4xx: 5, status5xx: 0, inFlight: 0, queueLength: 0 });
      expect(counted?.requestsPerSecond).toBeGreaterThan(0);
      expect(counted?.p50Ms).toBeGreaterThan(5);
      expect(counted?.p50Ms).toBeLessThan(100);
      expect(counted?.p99Ms).toBeGreaterThanOrEqual(100);
      return true;
    }, 180_000);

    const held = Promise.all(Array.from({ length: 6 }, () => get("held")));
    // What fails meanwhile is what is told.
    held.catch(() => {});
    await shows(({ inFlight, queueLength }) => inFlight === 4 && queueLength === 2);
    // Past the sidecar, which neither counts that nor makes it wait.
    const [pod] = (await client.list(resource.pod, { namespace }, signal))!.items;
    expect(await get("let-go", `pods/${pod!.metadata.name}:8080`)).toBe(200);
    await held;
    // A replica takes with it what Prometheus has not read by its end.
    await shows(({ status2xx }) => status2xx === 47);

    await client.request(
      { method: "DELETE", path: `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0` },
      AbortSignal.timeout(60_000),
    );
    await eventually(async () => (await get("0")) === 200 || undefined, 180_000);
    await shows(({ status2xx }) => status2xx >= 48);
  });
});
