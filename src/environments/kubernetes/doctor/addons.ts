import type { Check } from "../../../core/check.ts";
import { CortexError } from "../../../core/errors.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { resource } from "../../../kubernetes/objects.ts";
import { askPrometheus } from "../metrics/prometheus.ts";
import { ours } from "../names.ts";
import type { Pod } from "../shapes.ts";
import { endpointUrl, readEntrance } from "../snapshot.ts";
import type { NamedLook } from "./basics.ts";

export interface AddonCheckOptions {
  /** Of the environment. */
  readonly name: string;
  readonly gateway?: string;
  readonly prometheus?: string;
}

const install = (name: string) => `cortex cluster install -e ${name}`;

/** What APIs use beyond Kubernetes itself: without any of it they are deployed all the same, and do less. */
export function addonChecks(
  client: KubeClient,
  namespace: string,
  groups: ReadonlySet<string>,
  options: AddonCheckOptions,
): readonly NamedLook[] {
  return [
    { name: "gateway", look: (signal) => gatewayCheck(client, options, signal) },
    { name: "keda", look: async () => kedaCheck(groups, options) },
    { name: "prometheus", look: (signal) => prometheusCheck(client, namespace, options, signal) },
    { name: "metrics-server", look: (signal) => metricsCheck(client, options, signal) },
  ];
}

async function gatewayCheck(client: KubeClient, options: AddonCheckOptions, signal: AbortSignal): Promise<Check> {
  const name = "gateway";
  const entrance = await readEntrance(client, options, signal);
  if (!entrance.gateway) {
    return {
      name,
      status: "warn",
      message: "none: APIs are reached through the API server (predict, port-forward)",
      fix: `${install(options.name)}, or name one: cortex env configure ${options.name} --gateway NAMESPACE/NAME`,
    };
  }
  const text = `${entrance.gateway.namespace}/${entrance.gateway.name}`;
  if (!entrance.object) {
    const fix = `name another: cortex env configure ${options.name} --gateway NAMESPACE/NAME`;
    return { name, status: "warn", message: `${text} is not there, or may not be looked at`, fix };
  }
  const url = endpointUrl(entrance, "");
  if (url !== undefined) return { name, status: "ok", message: `${text} at ${url}` };
  return {
    name,
    status: "warn",
    message: `${text} has no address: APIs are reached through the API server (predict, port-forward)`,
    fix: "give the cluster a load balancer: minikube tunnel, cloud-provider-kind, MetalLB",
  };
}

function kedaCheck(groups: ReadonlySet<string>, { name: environment }: AddonCheckOptions): Check {
  const name = "keda";
  if (groups.has("keda.sh")) return { name, status: "ok", message: "scales APIs on their requests in flight" };
  return { name, status: "warn", message: "not there: APIs scale on CPU, and not to zero", fix: install(environment) };
}

/** A replica is found by discovery and scraped within half a minute. */
const scrapedWithinMs = 60_000;

async function prometheusCheck(
  client: KubeClient,
  namespace: string,
  options: AddonCheckOptions,
  signal: AbortSignal,
): Promise<Check> {
  const name = "prometheus";
  const { prometheusUrl: url } = await readEntrance(client, options, signal);
  if (url === undefined) {
    const fix = `${install(options.name)}, or name one: cortex env configure ${options.name} --prometheus URL`;
    return { name, status: "warn", message: "none: APIs scale on CPU, and their requests are not measured", fix };
  }
  const query = `count(envoy_http_downstream_rq_xx{cortex_namespace="${namespace}"})`;
  const [samples, pods] = await Promise.all([
    askPrometheus(client, url, query, signal).catch((error: unknown) => unanswered(error)),
    client.list<Pod>(resource.pod, { namespace, labelSelector: ours }, signal),
  ]);
  if (samples instanceof CortexError) {
    const without = "requests are not shown";
    return {
      name,
      status: "warn",
      message: `${samples.message}: ${without}`,
      fix: samples.hint ?? "see to it as it was installed",
    };
  }
  const isOld = ({ metadata }: Pod) => Date.now() - Date.parse(metadata.creationTimestamp ?? "") > scrapedWithinMs;
  const running = (pods?.items ?? []).filter((pod) => pod.status?.phase === "Running" && isOld(pod));
  if (samples.length > 0)
    return { name, status: "ok", message: `${url} answers, and scrapes the replicas in ${namespace}` };
  if (running.length === 0) return { name, status: "ok", message: `${url} answers; no replica is there to scrape` };
  return {
    name,
    status: "warn",
    message: `${url} answers, but knows nothing of the ${running.length} replicas in ${namespace}: they are not scaled on their requests`,
    fix: "have it scrape pods by the annotations prometheus.io/scrape, port and path, or select PodMonitors of all namespaces",
  };
}

function unanswered(error: unknown): CortexError {
  if (error instanceof CortexError) return error;
  throw error;
}

async function metricsCheck(
  client: KubeClient,
  { name: environment }: AddonCheckOptions,
  signal: AbortSignal,
): Promise<Check> {
  const name = "metrics-server";
  const { status, body } = await client.request({ method: "GET", path: "/apis/metrics.k8s.io/v1beta1" }, signal);
  for await (const _ of body);
  if (status === 200) return { name, status: "ok", message: "tells CPU and memory of replicas" };
  const message = status === 404 ? "not there: APIs do not scale on CPU" : `does not answer (HTTP ${status})`;
  return {
    name,
    status: "warn",
    message,
    fix: status === 404 ? install(environment) : "kubectl -n kube-system get pods",
  };
}
