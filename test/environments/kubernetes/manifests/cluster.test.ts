import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { driftOf } from "../../../../src/environments/kubernetes/drift.ts";
import type { ClusterFeatures } from "../../../../src/environments/kubernetes/features.ts";
import { type ObjectsInput, objectsOf } from "../../../../src/environments/kubernetes/manifests/objects.ts";
import { forwardPort } from "../../../../src/environments/kubernetes/port-forward.ts";
import type { KubeClient } from "../../../../src/kubernetes/kube-client.ts";
import { type KubeObject, resource } from "../../../../src/kubernetes/objects.ts";
import type { Api } from "../../../../src/spec/api.ts";
import { parseOne } from "../../../spec/support/parse.ts";
import { clusterTest, type ScratchNamespace, scratchNamespace } from "../../../support/cluster.ts";
import { isReady, untilPods } from "../support/pods.ts";
import { everyKind, inputOf } from "./support/revision.ts";
import { ask, open, readUntil, type Target } from "./support/wire.ts";

const { signal } = new AbortController();
type Pod = KubeObject & { readonly status?: { readonly podIP?: string } };
type Loose = KubeObject & {
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } };
};

/** Of this cluster: objects of kinds that it lacks are not made. */
async function featuresOf(client: KubeClient): Promise<ClusterFeatures> {
  const { minor } = await client.json<{ minor: string }>({ method: "GET", path: "/version" }, signal);
  const has = async (type: Parameters<KubeClient["list"]>[0]) => (await client.list(type, {}, signal)) !== undefined;
  const [hasGateway, isEnvoyGateway, hasKeda, hasPodMonitor] = await Promise.all(
    [resource.httpRoute, resource.httpRouteFilter, resource.scaledObject, resource.podMonitor].map(has),
  );
  return {
    minorVersion: Number.parseInt(minor, 10),
    gateway: hasGateway ? { namespace: "gateways", name: "none", isEnvoyGateway: isEnvoyGateway! } : undefined,
    hasKeda: hasKeda!,
    prometheusUrl: "http://prometheus.monitoring:9090",
    hasPodMonitor: hasPodMonitor!,
  };
}

clusterTest("a cluster", () => {
  let scratch: ScratchNamespace;
  let features: ClusterFeatures;
  beforeAll(async () => {
    scratch = await scratchNamespace("manifests");
    features = await featuresOf(scratch.client);
  }, 60_000);
  afterAll(() => scratch[Symbol.asyncDispose]());

  const input = (spec: Api, changes: Partial<ObjectsInput> = {}) =>
    inputOf(spec, { namespace: scratch.name, features, owner: undefined, replicas: 1, ...changes });

  test("gives every field of every object back as it was written", async () => {
    for (const spec of await everyKind()) {
      const unavailable = { code: "rollout_failed", message: "100% gone", retryAfterS: 10 };
      for (const changes of [{ hasPullSecret: true, refreshedAt: "2026-02-03T04:05:06Z" }, { unavailable }]) {
        for (const object of objectsOf(input(spec, changes)).objects) {
          const applied = await scratch.client.apply(object, { dryRun: true }, signal);
          expect(driftOf(object, applied)).toEqual([]);
        }
      }
      const withoutKeda = { ...features, hasKeda: false };
      for (const object of objectsOf(input(spec, { features: withoutKeda })).objects) {
        if (object.kind !== "HorizontalPodAutoscaler") continue;
        expect(driftOf(object, await scratch.client.apply(object, { dryRun: true }, signal))).toEqual([]);
      }
    }
  }, 120_000);

  test.for([
    { what: "handlers", level: "restricted", which: 0 },
    { what: "users' containers", level: "baseline", which: 1 },
  ])("lets $what into a namespace whose Pod Security is $level", async ({ level, which }) => {
    await using strict = await scratchNamespace("manifests");
    const labels = { "pod-security.kubernetes.io/enforce": level };
    await strict.client.patch(resource.namespace, undefined, strict.name, { metadata: { labels } }, signal);
    const spec = (await everyKind())[which]!;
    const { objects } = objectsOf(input(spec, { namespace: strict.name }));
    const { template } = (objects.find(({ kind }) => kind === "Deployment") as Loose).spec;
    const account = objects.find(({ kind }) => kind === "ServiceAccount")!;
    await strict.client.apply(account, {}, signal);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      ...template,
      metadata: { ...template.metadata, name: "one", namespace: strict.name },
    };
    await expect(strict.client.apply(pod as KubeObject, { dryRun: true }, signal)).resolves.toBeDefined();
    const root = { ...pod, spec: { ...pod.spec, hostNetwork: true } };
    await expect(strict.client.apply(root as KubeObject, { dryRun: true }, signal)).rejects.toThrow(/PodSecurity/);
  });

  describe("with a replica behind the sidecar", () => {
    const running = 3;
    const waiting = 2;
    let front: Target;
    let admin: Target;
    /** The replica itself, past the sidecar. */
    let behind: Target;
    /** False where pods are reached through the API server alone, which does not tell them when a client has gone. */
    let hearsOfEnds = true;
    const stop = new AbortController();

    beforeAll(async () => {
      const program = await readFile(join(import.meta.dirname, "support/app.py"), "utf8");
      const spec = await parseOne(`
- name: app
  kind: RealtimeAPI
  pod:
    port: 9000
    max_concurrency: ${running}
    max_queue_length: ${waiting}
    containers:
      - name: app
        image: docker.io/library/python:3.11-slim
        command: [python, -u, -c]
        args: [${JSON.stringify(program)}]
        compute: {cpu: 20m, mem: 128Mi}
  autoscaling: {min_replicas: 1, max_replicas: 1}
`);
      const { objects } = objectsOf(input(spec, { features: { ...features, gateway: undefined } }));
      for (const object of objects) await scratch.client.apply(object, {}, signal);
      await untilPods(scratch.client, scratch.name, (pods) => pods.some(isReady), 280_000);
      [front, admin, behind] = await reach();
    }, 300_000);
    afterAll(() => stop.abort(new Error("enough")));

    async function reach(): Promise<[Target, Target, Target]> {
      const pods = await scratch.client.list<Pod>(resource.pod, { namespace: scratch.name }, signal);
      const ports = [8500, 8501, 9000];
      const targets = ports.map((port) => ({ host: pods!.items[0]!.status!.podIP!, port }));
      try {
        (await open(targets[0]!, AbortSignal.timeout(10_000))).destroy();
        return targets as [Target, Target, Target];
      } catch {
        hearsOfEnds = false;
        return (await Promise.all(ports.map(forwarded))) as [Target, Target, Target];
      }
    }

    async function forwarded(remotePort: number): Promise<Target> {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      forwardPort(scratch.client, scratch.name, "app", { localPort: 0, remotePort }, resolve, stop.signal).catch(
        reject,
      );
      return { host: "127.0.0.1", port: await promise };
    }

    async function metric(name: string): Promise<number> {
      const { text } = await ask(admin, "/stats/prometheus");
      const line = text.split("\n").find((one) => one.startsWith(`${name}{`));
      expect(line, text).toContain('cortex_api="app"');
      expect(line).toContain(`cortex_namespace="${scratch.name}"`);
      return Number(line!.slice(line!.lastIndexOf(" ")));
    }
    const inFlight = () => metric("envoy_http_downstream_rq_active");
    const atOnce = (count: number, path: string) => Promise.all(Array.from({ length: count }, () => ask(front, path)));
    /** Lets go of what the replica holds until then. */
    const release = (until: string) => ask(behind, until, { method: "DELETE" });
    const counted = (answers: readonly { status: number }[], status: number) =>
      answers.filter((one) => one.status === status).length;

    test("exactly max_concurrency run, max_queue_length wait, and the rest is told why", async () => {
      for (let round = 0; round < 3; round += 1) {
        let refusals = 0;
        const asked = Array.from({ length: running + waiting + 4 }, async () => {
          const answer = await ask(front, `/held?until=/round-${round}`);
          if (answer.status === 503) refusals += 1;
          return answer;
        });
        await expect.poll(() => refusals).toBe(4);
        await release(`/round-${round}`);
        const answers = await Promise.all(asked);
        expect([counted(answers, 200), counted(answers, 503)]).toEqual([running + waiting, 4]);
        const refused = answers.find(({ status }) => status === 503)!;
        expect(refused.headers).toMatchObject({
          "retry-after": "1",
          "content-type": "application/json",
          "access-control-allow-origin": "*",
        });
        expect(JSON.parse(refused.text)).toEqual({
          error: `pending request queue full: ${waiting} requests to app wait already (max_queue_length)`,
          code: "queue_full",
          api: "app",
          request_id: refused.headers["x-request-id"],
        });
        expect(JSON.parse((await ask(front, "/most")).text)).toBe(running);
      }
    });

    test("in-flight is what was counted, and forgets requests whose clients are gone", async ({ skip }) => {
      if (!hearsOfEnds) skip("pods cannot be reached by their addresses");
      for (const count of [1, running, running + 1, running + waiting]) {
        const gone = new AbortController();
        const asked = Array.from({ length: count }, () =>
          ask(front, "/held?until=/never", { signal: gone.signal }).catch(() => {}),
        );
        await expect
          .poll(async () => ({
            inFlight: await inFlight(),
            active: await metric("envoy_cluster_upstream_rq_active"),
            pending: await metric("envoy_cluster_upstream_rq_pending_active"),
          }))
          .toEqual({ inFlight: count, active: Math.min(count, running), pending: Math.max(0, count - running) });
        gone.abort();
        await Promise.all(asked);
        await expect.poll(inFlight).toBe(0);
      }
    });

    test("headers, paths and ids arrive as they were sent", async () => {
      const asked = { headers: { "x-request-id": "mine", "x-forwarded-for": "192.0.2.1" } };
      const answer = await ask(front, "/a%2Fb//c?d=%20", asked);
      expect(answer.headers["x-request-id"]).toBe("mine");
      expect(JSON.parse(answer.text)).toMatchObject({
        path: "/a%2Fb//c?d=%20",
        "x-request-id": "mine",
        "x-forwarded-for": "192.0.2.1",
      });
      expect((await ask(front, "/", { version: "1.0" })).status).toBe(200);
      const [one, two] = await atOnce(2, "/");
      expect(one!.headers["x-request-id"]).not.toBe(two!.headers["x-request-id"]);
    });

    test("large bodies pass, and Expect: 100-continue is heard", async () => {
      const body = Buffer.alloc(20_000_000, "x");
      expect((await ask(front, "/size", { method: "POST", body })).text).toBe(String(body.length));
      const socket = await open(front);
      socket.write("POST /size HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
      expect(await readUntil(socket, "\r\n\r\n")).toContain("100 Continue");
      socket.write("12345");
      expect(await readUntil(socket, "5")).toContain("200 OK");
      socket.destroy();
    });

    test("what is streamed arrives as it is made", async () => {
      const socket = await open(front);
      socket.write("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
      for (const number of [0, 1, 2]) {
        await readUntil(socket, `2\r\n${number}\n\r\n`);
        await release(`/after-${number}`);
      }
      await readUntil(socket, "0\r\n\r\n");
      socket.destroy();
    });

    test("a WebSocket is passed on and counts as in-flight while it is open", async () => {
      const socket = await open(front);
      const lines = [
        "host: x",
        "upgrade: websocket",
        "connection: Upgrade",
        "sec-websocket-version: 13",
        "sec-websocket-key: AAAA",
      ];
      socket.write(`GET /upgrade HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
      expect(await readUntil(socket, "\r\n\r\n")).toContain("101 Switching Protocols");
      socket.write("ping");
      expect(await readUntil(socket, "ping")).toBe("ping");
      await expect.poll(inFlight).toBe(1);
      socket.destroy();
      if (hearsOfEnds) await expect.poll(inFlight).toBe(0);
    });

    test("a replica that closes every connection loses no request", async () => {
      for (let round = 0; round < 20; round += 1) {
        expect(counted(await atOnce(running + waiting, "/close"), 200)).toBe(running + waiting);
      }
    });

    test("nothing but health and metrics is shown outside", async () => {
      expect((await ask(admin, "/ready")).status).toBe(200);
      for (const path of ["/", "/config_dump", "/stats", "/ready/", "/handler/healthz"]) {
        expect((await ask(admin, path)).status).toBe(404);
      }
      expect((await ask(admin, "/quitquitquit", { method: "POST" })).status).toBe(404);
    });

    test("a replica is drained when nothing is in-flight any more, and serves on until then", async ({ skip }) => {
      if (!hearsOfEnds) skip("pods cannot be reached by their addresses");
      const long = ask(front, "/held?until=/drained");
      await expect.poll(inFlight).toBe(1);
      let isDrained = false;
      const drained = ask(admin, "/drain").finally(() => {
        isDrained = true;
      });
      await expect
        .poll(async () => {
          const { status, headers } = await ask(front, "/", { headers: { connection: "keep-alive" } });
          return { status, connection: headers.connection };
        })
        .toEqual({ status: 200, connection: "close" });
      expect(isDrained).toBe(false);
      await release("/drained");
      expect((await long).status).toBe(200);
      expect((await drained).text).toBe("drained\n");
    });

    test("a replica that dies, or answers nonsense, is named", async () => {
      const nonsense = await ask(front, "/nonsense");
      expect([nonsense.status, (JSON.parse(nonsense.text) as { code: string }).code]).toEqual([
        502,
        "invalid_response",
      ]);
      const cut = await ask(front, "/die");
      expect(cut.status).toBe(502);
      expect(JSON.parse(cut.text)).toMatchObject({
        code: "replica_ended",
        error: expect.stringMatching(/^replica ended/),
      });
      const refused = await ask(front, "/");
      if (refused.status !== 200) {
        expect(refused.status).toBe(503);
        expect(JSON.parse(refused.text)).toMatchObject({
          code: "replica_unreachable",
          error: expect.stringContaining("no healthy upstream"),
        });
      }
    });
  });
});
