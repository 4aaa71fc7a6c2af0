import { once } from "node:events";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { ownCertificate } from "./own-certificate.ts";

/** What code caches are filled by in place of a Kubernetes cluster. */
export interface StandInCluster extends AsyncDisposable {
  /** A kubeconfig of it. */
  readonly kubeconfig: string;
}

interface Stored {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
}

const at = "2026-01-01T00:00:00Z";
const prometheus = "http://prometheus.cortex-system.svc:9090";

/** Keeps what it is sent and gives it back; a Deployment has its replica at once. It is asked by nobody but the build. */
export async function startStandInCluster(): Promise<StandInCluster> {
  const { key, certificate } = ownCertificate();
  const objects = new Map<string, Stored>();
  objects.set("/api/v1/namespaces/cortex-system/configmaps/cortex", clusterConfig);
  const server = createSecureServer({ key, cert: certificate });
  server.on("request", (request, response) => void answer(objects, request, response));
  server.on("sessionError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    kubeconfig: kubeconfigFor(`https://127.0.0.1:${port}`, certificate),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

const clusterConfig: Stored = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "cortex" },
  ...{ data: { prometheus } },
};

/** As kubectl's own files, since that is what most users have. */
function kubeconfigFor(server: string, certificate: string): string {
  return `apiVersion: v1
kind: Config
current-context: warm
clusters:
- name: warm
  cluster:
    server: ${server}
    certificate-authority-data: ${Buffer.from(certificate).toString("base64")}
contexts:
- name: warm
  context: {cluster: warm, user: warm}
users:
- name: warm
  user:
    token: none
`;
}

async function answer(
  objects: Map<string, Stored>,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url, "https://warm");
  const body = await text(request).catch(() => "");
  const say = (value: unknown, status = 200) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (pathname === "/version") return say({ major: "1", minor: "34", gitVersion: "v1.34.0" });
  if (pathname.includes("/proxy/")) return say(measured(searchParams.get("query") ?? ""));
  if (searchParams.has("watch")) return void response.writeHead(200, { "content-type": "application/json" }).write("");
  const isNamed = /^\/(api|apis\/[^/]+)\/[^/]+\/(namespaces\/[^/]+\/)?[^/]+\/[^/]+$/.test(pathname);
  if (request.method === "GET") {
    const found = objects.get(pathname);
    if (found) return say(found);
    return isNamed ? say(absent, 404) : say(listOf(objects, pathname, searchParams));
  }
  if (request.method === "DELETE") {
    objects.delete(pathname);
    return say({ kind: "Status", status: "Success" });
  }
  const sent = JSON.parse(body) as Stored;
  const path = request.method === "POST" ? `${pathname}/${sent.metadata.name}` : pathname;
  const before = objects.get(path);
  const kept = completed({ ...before, ...sent, metadata: { ...before?.metadata, ...sent.metadata } });
  objects.set(path, kept);
  if (kept.kind === "Deployment") addPod(objects, path, kept);
  say(kept);
}

const absent = { kind: "Status", status: "Failure", reason: "NotFound", code: 404 };

function listOf(objects: ReadonlyMap<string, Stored>, path: string, query: URLSearchParams) {
  const wanted = (query.get("labelSelector") ?? "").split(",").flatMap((term) => {
    const [key, value] = term.split("=");
    return key && value !== undefined ? [[key, value] as const] : [];
  });
  const items = [...objects]
    .filter(([one]) => one.startsWith(`${path}/`) && !one.slice(path.length + 1).includes("/"))
    .map(([, object]) => object)
    .filter(({ metadata: { labels } }) => wanted.every(([key, value]) => labels?.[key] === value));
  return { metadata: { resourceVersion: "1" }, items };
}

function completed(object: Stored): Stored {
  const metadata = { uid: "1", resourceVersion: "1", generation: 1, creationTimestamp: at, ...object.metadata };
  if (object.kind !== "Deployment") return { ...object, metadata };
  const replicas = { replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
  const conditions = [{ type: "Available", status: "True", lastUpdateTime: at, lastTransitionTime: at }];
  return { ...object, metadata, ...{ status: { observedGeneration: 1, ...replicas, conditions } } };
}

function addPod(objects: Map<string, Stored>, path: string, { metadata, spec }: Stored): void {
  const template = spec?.template as Stored;
  const name = `${metadata.name}-1`;
  const pod = { ...template, apiVersion: "v1", kind: "Pod", metadata: { ...template.metadata, name } };
  const ready = { state: { running: { startedAt: at } }, ready: true, restartCount: 0, started: true };
  const containers = (template.spec?.containers ?? []) as readonly { readonly name: string }[];
  const status = {
    phase: "Running",
    startTime: at,
    conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({ type, status: "True" })),
    containerStatuses: containers.map((container) => ({ name: container.name, ...ready })),
  };
  const folder = path.replace(/^\/apis\/apps\/v1/, "/api/v1").replace(/\/deployments\/.*/, "/pods");
  objects.set(`${folder}/${name}`, completed({ ...pod, ...{ status } }));
}

/** A figure for every API, as whoever asks wants it. */
function measured(query: string) {
  const labels = {
    cortex_api: "warm",
    envoy_response_code_class: "2",
    le: "100",
    __name__: "envoy_cluster_upstream_rq_active",
  };
  return {
    status: "success",
    data: { resultType: "vector", result: query ? [{ metric: labels, value: [0, "1"] }] : [] },
  };
}
