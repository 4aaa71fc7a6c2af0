import { setTimeout as sleep } from "node:timers/promises";
import type { AddonName } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { label, ours } from "../../kubernetes/labels.ts";
import { type KubeObject, type ResourceType, resource } from "../../kubernetes/objects.ts";
import { type AddonState, type Diagnosis, diagnose, type Job, type Pod } from "./diagnose.ts";
import { type ApiService, conditionOf, type Gateway, type GatewayClass, type Workload } from "./facts.ts";
import { ourGateway } from "./gateway-objects.ts";
import { addonResource } from "./kinds.ts";
import { isServing } from "./plan-install.ts";

const pollMs = 400;
/** A failure counts once it has been seen for so long: some are over by themselves. */
const failureGraceMs = 3_000;
const logLines = 10;

/** How long something may take, and who is told what it waits for. */
export interface Waiting {
  /** Aborts when the time is up. */
  readonly deadline: AbortSignal;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  onDetail(detail: string): void;
}

/** @throws FAILED, NO_CAPACITY with the cause as soon as it is certain; TIMED_OUT with what was missing */
export async function waitForAddon(client: KubeClient, name: AddonName, waiting: Waiting): Promise<void> {
  if (name === "gateway-api" || name === "storage-class") return;
  const usual = async (signal: AbortSignal) => diagnose(await stateOf(client, name, signal));
  return waitUntil(name, waiting, name === "gateway" ? gatewayLook(client) : usual, client);
}

async function waitUntil(
  name: AddonName,
  { deadline, signal, onDetail }: Waiting,
  look: (signal: AbortSignal) => Promise<Diagnosis>,
  client: KubeClient,
): Promise<void> {
  const either = AbortSignal.any([deadline, signal]);
  let detail = "";
  let failingSince: number | undefined;
  try {
    for (;;) {
      const diagnosis = await look(either);
      if (diagnosis.isReady) return;
      if (diagnosis.detail !== detail) onDetail(diagnosis.detail);
      detail = diagnosis.detail;
      failingSince = diagnosis.failure ? (failingSince ?? performance.now()) : undefined;
      if (diagnosis.failure && performance.now() - failingSince! > failureGraceMs) {
        throw await failureOf(name, diagnosis.failure, client, either);
      }
      await sleep(pollMs, undefined, { signal: either });
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new CortexError("TIMED_OUT", `${name} is not ready: ${detail || "the cluster did not answer in time"}`, {
      hint: "run the same command again to go on, with a longer --timeout if it only takes long",
    });
  }
}

async function failureOf(
  name: AddonName,
  { message, hint, pod, isCapacity }: NonNullable<Diagnosis["failure"]>,
  client: KubeClient,
  signal: AbortSignal,
): Promise<CortexError> {
  const details = pod && (await lastLines(client, pod, signal));
  return new CortexError(isCapacity ? "NO_CAPACITY" : "FAILED", `${name}: ${message}`, {
    hint,
    ...(details && { details }),
  });
}

async function lastLines(
  client: KubeClient,
  { metadata: { namespace, name } }: Pod,
  signal: AbortSignal,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?previous=true&tailLines=${logLines}`;
  const { status, body } = await client.request({ method: "GET", path }, signal);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return status === 200 ? Buffer.concat(chunks).toString() : "";
}

/** Reads what belongs to an add-on that is ours. */
export async function stateOf(client: KubeClient, name: AddonName, signal: AbortSignal): Promise<AddonState> {
  const labelSelector = `${ours},${label.addon}=${name}`;
  const list = async <T extends KubeObject>(type: ResourceType) =>
    (await client.list<T>(type, { labelSelector }, signal))?.items ?? [];
  const [deployments, statefulSets, daemonSets, jobs, apiServices] = await Promise.all([
    list<Workload>(resource.deployment),
    list<Workload>(addonResource.statefulSet),
    list<Workload>(addonResource.daemonSet),
    list<Job>(addonResource.job),
    list<ApiService>(addonResource.apiService),
  ]);
  const workloads = [...deployments, ...statefulSets, ...daemonSets];
  const namespaces = new Set([...workloads, ...jobs].map(({ metadata }) => metadata.namespace!));
  const pods = await Promise.all(
    [...namespaces].map(
      async (namespace) => (await client.list<Pod>(resource.pod, { namespace }, signal))?.items ?? [],
    ),
  );
  return { workloads, jobs, apiServices, pods: pods.flat().filter((pod) => isPodOf(pod, workloads, jobs)) };
}

function isPodOf({ metadata }: Pod, workloads: readonly Workload[], jobs: readonly Job[]): boolean {
  const labels = metadata.labels ?? {};
  if (jobs.some((job) => labels["batch.kubernetes.io/job-name"] === job.metadata.name)) return true;
  return workloads.some(({ spec }) => {
    const selector = Object.entries(spec.selector.matchLabels ?? {});
    return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
  });
}

/** A Gateway may never get an address (kind, minikube without its tunnel): where all else is well, this is long enough to wait for one. */
const addressGraceMs = 15_000;

function gatewayLook(client: KubeClient): (signal: AbortSignal) => Promise<Diagnosis> {
  let servingSince: number | undefined;
  return async (signal) => {
    const { namespace, name } = ourGateway;
    const gateway = await client.get<Gateway>(resource.gateway, namespace, name, signal);
    if (!gateway) return { isReady: false, detail: "the Gateway is not there" };
    const programmed = conditionOf(gateway, "Programmed");
    if (programmed?.status === "True" && isServing(gateway)) return { isReady: true, detail: "" };
    const proxies = await proxiesOf(client, signal);
    if (programmed?.reason === "AddressNotAssigned" && proxies.isReady) {
      servingSince ??= performance.now();
      return { isReady: performance.now() - servingSince > addressGraceMs, detail: "waits for an address" };
    }
    servingSince = undefined;
    if (proxies.failure) return proxies;
    const type = gateway.spec.gatewayClassName;
    const gatewayClass = await client.get<GatewayClass>(resource.gatewayClass, undefined, type, signal);
    const refused = gatewayClass && conditionOf(gatewayClass, "Accepted");
    const detail = refused?.status === "False" ? refused.message : programmed?.message;
    return { isReady: false, detail: detail ?? "its controller has not looked at it yet" };
  };
}

/** Selects what Envoy Gateway makes for our Gateway, in its own namespace. */
export const ofOurGateway = [
  `gateway.envoyproxy.io/owning-gateway-namespace=${ourGateway.namespace}`,
  `gateway.envoyproxy.io/owning-gateway-name=${ourGateway.name}`,
].join(",");

/** Of another controller than Envoy Gateway no proxies are known, and taken for granted. */
async function proxiesOf(client: KubeClient, signal: AbortSignal): Promise<Diagnosis> {
  const options = { labelSelector: ofOurGateway };
  const [deployments, pods] = await Promise.all([
    client.list<Workload>(resource.deployment, options, signal),
    client.list<Pod>(resource.pod, options, signal),
  ]);
  const workloads = deployments?.items ?? [];
  if (workloads.length === 0) return { isReady: true, detail: "" };
  return diagnose({ workloads, jobs: [], apiServices: [], pods: pods?.items ?? [] });
}
