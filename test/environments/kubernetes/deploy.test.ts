import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Deployment, Pod } from "../../../src/environments/kubernetes/shapes.ts";
import { type KubeObject, resource } from "../../../src/kubernetes/objects.ts";
import { clusterTest, testKubeconfig } from "../../support/cluster.ts";
import { type ClusterBench, createClusterBench, testRegistry } from "../../support/cluster-bench.ts";
import { eventually, freePort } from "../../support/cortex.ts";
import { tcpRelay } from "../../support/tcp-relay.ts";

const signal = new AbortController().signal;

/** An API of one container that starts at once. @param more lines of the API; `container`: lines of its container */
const web = (name: string, { more = "", container = "", replicas = "min_replicas: 1" } = {}) => `- name: ${name}
  kind: RealtimeAPI
  pod:
    port: 8000
    containers:
      - name: server
        image: busybox:1.35
        command: [httpd, -f, -p, "8000", -h, /bin]
        compute: {cpu: 20m, mem: 20Mi}
${container}  autoscaling: {${replicas}}
${more}`;

/** Keeps a replica from being ready until `letGo`. */
const held = "        readiness_probe: {exec: {command: [test, -f, /tmp/go]}, period_seconds: 1}\n";

interface ErrorJson {
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
}

clusterTest("deploying to a cluster", { timeout: 480_000, concurrent: false }, () => {
  let bench: ClusterBench;
  beforeAll(async () => {
    bench = await createClusterBench();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  const deployed = async (text: string, ...flags: string[]) => {
    const folder = await bench.project({ "cortex.yaml": text });
    return { folder, ran: await bench.cortex(["deploy", folder, ...flags]) };
  };
  const get = <T extends KubeObject>(type: (typeof resource)[keyof typeof resource], name: string) =>
    bench.client.get<T>(type, bench.namespace, name, signal);
  const pods = async (api: string) => {
    const options = { namespace: bench.namespace, labelSelector: `app.kubernetes.io/name=${api}` };
    return (await bench.client.list<Pod>(resource.pod, options, signal))!.items.filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
  };
  const remove = (...names: string[]) => bench.cortex(["delete", ...names, "-f"]);
  const kubectl = (args: readonly string[], input = "") => {
    const running = promisify(execFile)("kubectl", args, {
      env: { ...process.env, KUBECONFIG: testKubeconfig },
      maxBuffer: 64 * 2 ** 20,
    });
    running.child.stdin!.end(input);
    return running;
  };

  /** Lets the replica of an API whose container is `held` be ready. */
  const letGo = (api: string) =>
    eventually(async () => {
      await kubectl(["exec", "-n", bench.namespace, `deployment/${api}`, "-c", "server", "--", "touch", "/tmp/go"]);
      return true;
    });

  test("what a dry run prints is what is applied, and the server takes it", async () => {
    const text = web("printed", { container: "        env: {TOKEN: secret-1}\n" });
    const { folder, ran } = await deployed(text, "--dry-run", "-o", "yaml");
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    expect(ran.stdout).not.toContain("secret-1");
    const checked = await kubectl(["apply", "--dry-run=server", "--server-side", "-f", "-"], ran.stdout);
    expect(checked.stdout).toContain("deployment.apps/printed serverside-applied (server dry run)");
    expect(await get(resource.configMap, "printed")).toBeUndefined();
    const byServer = await bench.cortex(["deploy", folder, "--dry-run=server", "-o", "yaml"]);
    expect(byServer, byServer.stderr).toMatchObject({ status: 0 });
    expect(byServer.stdout).toContain("dnsPolicy: ClusterFirst");
    expect((await bench.cortex(["deploy", "--dry-run", folder])).stdout).toContain("create printed");
    expect(await get(resource.deployment, "printed")).toBeUndefined();
  });

  test("a Deployment edited by hand is shown by diff, and put back by deploy with nothing left over", async () => {
    const { folder, ran } = await deployed(web("edited"));
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    const edit = ["-n", bench.namespace, "deployment/edited"];
    await kubectl(["set", "image", ...edit, "server=busybox:1"]);
    await kubectl(["set", "env", ...edit, "-c", "server", "DEBUG=1"]);
    const shown = await bench.cortex(["diff", folder]);
    expect(shown.status).toBe(1);
    expect(shown.stdout).toContain("containers[server].image: busybox:1 -> busybox:1.35");
    expect(shown.stdout).toContain("containers[server].env[DEBUG]");
    const mended = await bench.cortex(["deploy", folder]);
    expect(mended, mended.stderr).toMatchObject({ status: 0 });
    expect((await bench.cortex(["diff", folder])).status).toBe(0);
    const now = await get<Deployment>(resource.deployment, "edited");
    expect(JSON.stringify(now!.spec)).not.toContain("DEBUG");
    await remove("edited");
  });

  test("an object that somebody else made is never touched, and the deploy changes nothing", async () => {
    const foreign = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "taken", namespace: bench.namespace },
      spec: { ports: [{ port: 1234 }], selector: { app: "theirs" } },
    };
    await bench.client.create(foreign as KubeObject, signal);
    const { ran } = await deployed(web("taken"));
    expect(ran.status).toBe(6);
    expect(ran.stderr).toContain("has a Service taken already, which Cortex did not make");
    expect(await get(resource.service, "taken")).toMatchObject({ spec: { ports: [{ port: 1234 }] } });
    expect(await get(resource.deployment, "taken")).toBeUndefined();
    expect(await get(resource.configMap, "taken")).toBeUndefined();
  });

  test("replicas that an autoscaler set survive an update, and fixing their number does not pass through 1", async () => {
    // An autoscaler that Prometheus tells nothing leaves replicas as they are: whoever sets them here is kubectl.
    const silent = ["--prometheus", "http://nowhere.invalid:9090"];
    await bench.cortex(["env", "configure", "silent", "--namespace", bench.namespace, ...silent]);
    const replicas = "min_replicas: 1, max_replicas: 5";
    const { folder } = await deployed(web("scaled", { replicas }), "-e", "silent");
    await kubectl(["scale", "-n", bench.namespace, "deployment/scaled", "--replicas=3"]);
    await eventually(async () => (await pods("scaled")).length === 3 || undefined);
    const fewest = watchFewest(() => pods("scaled"));
    const update = web("scaled", { replicas, container: "        env: {A: b}\n" });
    await writeFile(join(folder, "cortex.yaml"), update);
    const updated = await bench.cortex(["deploy", folder, "-e", "silent"]);
    expect(updated, updated.stderr).toMatchObject({ status: 0 });
    expect((await get<Deployment>(resource.deployment, "scaled"))!.spec.replicas).toBe(3);
    await writeFile(join(folder, "cortex.yaml"), web("scaled", { replicas: "min_replicas: 3, max_replicas: 3" }));
    const fixed = await bench.cortex(["deploy", folder, "-e", "silent"]);
    expect(fixed, fixed.stderr).toMatchObject({ status: 0 });
    // KEDA lets go of its own, and takes what it made of it with it.
    await eventually(async () => (await get(resource.scaledObject, "scaled")) === undefined);
    await eventually(async () => (await get(resource.horizontalPodAutoscaler, "scaled")) === undefined);
    expect((await get<Deployment>(resource.deployment, "scaled"))!.spec.replicas).toBe(3);
    expect(await fewest()).toBeGreaterThanOrEqual(2);
    await remove("scaled");
  });

  test("a quota that has no room is named, exit status 7, and the previous revision serves", async () => {
    const { folder } = await deployed(web("limited"));
    const quota = {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "small", namespace: bench.namespace },
      spec: { hard: { "requests.cpu": "100m" } },
    };
    await bench.client.create(quota as KubeObject, signal);
    // Before that nothing is let in, for want of knowing what is used.
    const known = ["get", "resourcequota", "small", "-n", bench.namespace, "-o", "jsonpath={.status.hard}"];
    await eventually(async () => (await kubectl(known)).stdout !== "");
    const wide = web("limited").replace("cpu: 20m", "cpu: 90m");
    await writeFile(join(folder, "cortex.yaml"), wide);
    const refused = await bench.cortex(["deploy", folder]);
    expect(refused.status).toBe(7);
    expect(refused.stderr).toContain("exceeded quota: small");
    expect(refused.stderr).toContain("revision 1 serves on");
    const [shown] = (await bench.cortex(["get", "limited", "-o", "json"])).json<
      { status: { status_code: string; ready: number }; serving_revision: number }[]
    >();
    expect(shown).toMatchObject({ status: { status_code: "status_compute_unavailable" }, serving_revision: 1 });
    await kubectl(["delete", "resourcequota", "small", "-n", bench.namespace]);
    const again = await bench.cortex(["deploy", folder]);
    expect(again, again.stderr).toMatchObject({ status: 0 });
    await remove("limited");
  });

  test.for([
    ["an image that is not there", "image: busybox:1.35", "image: no.registry.example/none:1", "cannot be pulled", 1],
    ["a command that is not there", "command: [httpd,", "command: [nothing-there,", "executable file not found", 1],
    ["more CPU than any node has", "cpu: 20m", "cpu: 900", "Insufficient cpu", 7],
  ] as const)("%s is told as the cause", async ([, before, after, cause, status]) => {
    const { ran } = await deployed(web("failing").replace(before, after));
    expect(ran.stderr).toContain(cause);
    expect(ran.status).toBe(status);
    await remove("failing");
  });

  test("a probe that never succeeds is told at the end of --timeout, with the probe's own words", async () => {
    const { ran } = await deployed(
      web("unready").replace('[httpd, -f, -p, "8000", -h, /bin]', '[sleep, "1000"]'),
      "--timeout",
      "8s",
    );
    expect(ran.status).toBe(5);
    expect(ran.stderr).toMatch(/not ready|not live within 8 s/);
    await remove("unready");
  });

  test("killed while it waits, the same deploy goes on; of another content it says who is at it", async () => {
    const folder = await bench.project({ "cortex.yaml": web("killed", { container: held }) });
    const first = bench.start(["deploy", folder]);
    const ended = new Promise((resolve) => first.once("exit", resolve));
    await eventually(async () => ((await pods("killed")).length > 0 ? true : undefined));
    first.kill("SIGKILL");
    await ended;
    const other = await bench.project({ "cortex.yaml": web("killed", { container: "        env: {B: c}\n" }) });
    const refused = await bench.cortex(["deploy", other, "-o", "json"]);
    expect(refused.status).toBe(6);
    expect(refused.stderr).toMatch(/killed is updating: revision 1 by \S+@\S+, since \d+ s/);
    const going = bench.start(["deploy", folder]);
    let stderr = "";
    going.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    const status = new Promise((resolve) => going.once("close", resolve));
    await eventually(() => stderr.includes("killed-") || undefined);
    await letGo("killed");
    expect(await status, stderr).toBe(0);
    const history = await bench.cortex(["history", "killed", "-o", "json"]);
    expect(history.json<unknown[]>()).toHaveLength(1);
    await remove("killed");
  });

  test("the API server goes away in the middle of a rollout and comes back: the deploy ends well", async () => {
    const config = JSON.parse(
      (await kubectl(["config", "view", "--raw", "--minify", "--flatten", "-o", "json"])).stdout,
    );
    const { cluster } = config.clusters[0];
    const { hostname, port } = new URL(cluster.server);
    await using relay = await tcpRelay({ host: hostname, port: Number(port || 443) });
    cluster.server = `https://127.0.0.1:${relay.port}`;
    cluster["tls-server-name"] = hostname;
    const kubeconfig = join(await bench.project({ kubeconfig: JSON.stringify(config) }), "kubeconfig");
    const folder = await bench.project({ "cortex.yaml": web("outlasts", { container: held }) });
    const running = bench.start(["deploy", folder], { env: { KUBECONFIG: kubeconfig } });
    let stderr = "";
    running.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    const status = new Promise((resolve) => running.once("close", resolve));
    await eventually(() => stderr.includes("outlasts-") || undefined);
    await relay.cut();
    // The API becomes live while nobody can see it.
    await letGo("outlasts");
    await eventually(
      async () =>
        (await get<Deployment>(resource.deployment, "outlasts"))?.status?.availableReplicas === 1 || undefined,
    );
    await relay.mend();
    expect(await status, stderr).toBe(0);
    await remove("outlasts");
  });

  test("interrupted while it waits, it says that the update goes on, exit status 130", async () => {
    const folder = await bench.project({ "cortex.yaml": web("stopped", { container: held }) });
    const running = bench.start(["deploy", folder]);
    let stderr = "";
    running.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    const status = new Promise((resolve) => running.once("close", resolve));
    await eventually(() => stderr.includes("stopped-") || undefined);
    running.kill("SIGINT");
    expect(await status).toBe(130);
    expect(stderr).toContain("the update goes on without this command");
    await letGo("stopped");
    await eventually(async () => {
      const [state] = (await bench.cortex(["get", "stopped", "-o", "json"])).json<
        { status: { status_code: string } }[]
      >();
      return state?.status.status_code === "status_live" || undefined;
    });
    await remove("stopped");
  });

  test("without a wait it returns when the update is accepted", async () => {
    const { ran } = await deployed(web("quick"), "--no-wait");
    expect(ran, ran.stderr).toMatchObject({ status: 0 });
    expect(await get(resource.deployment, "quick")).toBeDefined();
    await remove("quick");
  });

  test("a namespace that is not there is said, and what to do", async () => {
    await bench.cortex(["env", "configure", "nowhere", "--namespace", "no-such-namespace", "--registry", testRegistry]);
    const folder = await bench.project({ "cortex.yaml": web("lost") });
    const ran = await bench.cortex(["deploy", folder, "-e", "nowhere", "-o", "json"]);
    expect(ran.status).not.toBe(0);
    expect(ran.stderr).toContain("no-such-namespace");
    expect(ran.stderr).toContain("kubectl create namespace no-such-namespace");
  });

  test("a registry that does not answer is told, and nothing changes", async () => {
    const port = await freePort();
    const flags = ["--namespace", bench.namespace, "--registry", `127.0.0.1:${port}/cortex`];
    await bench.cortex([
      "env",
      "configure",
      "unplugged",
      ...flags,
      "--base-image",
      `${testRegistry}/library/python:3.11-slim`,
    ]);
    const folder = await bench.project({
      "cortex.yaml": "- name: unpushed\n  kind: RealtimeAPI\n  handler: {path: handler.py}\n",
      "handler.py": "class Handler:\n    def handle_post(self):\n        return 1\n",
    });
    const ran = await bench.cortex(["deploy", folder, "-e", "unplugged", "-o", "json"]);
    expect(ran.status).toBe(1);
    const [document] = [ran.json<ErrorJson[] | ErrorJson>()].flat();
    expect(JSON.stringify(document)).toContain("REGISTRY_FAILED");
    expect(await get(resource.configMap, "unpushed")).toBeUndefined();
  });

  test("pods of a handler pass where Pod Security asks for `restricted`; what is refused is told with the policy's words", async () => {
    const enforce = { metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } } };
    await bench.client.patch(resource.namespace, undefined, bench.namespace, enforce, signal);
    const folder = await bench.project({
      "cortex.yaml": "- name: secured\n  kind: RealtimeAPI\n  handler: {path: handler.py}\n  compute: {cpu: 20m}\n",
      "handler.py": "class Handler:\n    def handle_post(self):\n        return 1\n",
    });
    const handler = await bench.cortex(["deploy", folder]);
    expect(handler, handler.stderr).toMatchObject({ status: 0 });
    const { ran } = await deployed(web("rooted"));
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/violates PodSecurity "restricted:latest"/);
    const lift = { metadata: { labels: { "pod-security.kubernetes.io/enforce": null } } };
    await bench.client.patch(resource.namespace, undefined, bench.namespace, lift, signal);
    await remove("secured", "rooted");
  });

  test("delete leaves nothing of the API, and a delete that was killed half-way is finished by the next", async () => {
    await deployed(web("gone", { container: "        env: {KEY: x}\n" }));
    // As a delete leaves it that is killed after its first step.
    await bench.client.remove(resource.httpRoute, bench.namespace, "gone", {}, signal);
    await bench.client.remove(resource.service, bench.namespace, "gone", {}, signal);
    const removed = await remove("gone");
    expect(removed, removed.stderr).toMatchObject({ status: 0 });
    await eventually(async () => {
      const { stdout } = await kubectl([
        ...["get", "all,configmap,secret,httproute,scaledobject,controllerrevision,serviceaccount,pdb"],
        ...["-n", bench.namespace, "-l", "app.kubernetes.io/name=gone", "-o", "name", "--ignore-not-found"],
      ]);
      return stdout.split("\n").every((line) => line === "" || line.startsWith("pod/")) || undefined;
    });
  });
});

/** Looks as often as it can. @returns a function that stops and says how few there were at any look */
function watchFewest(look: () => Promise<readonly unknown[]>): () => Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  let isOver = false;
  const looking = (async () => {
    while (!isOver) fewest = Math.min(fewest, (await look()).length);
  })();
  return async () => {
    isOver = true;
    await looking;
    return fewest;
  };
}
