import { setTimeout as sleep } from "node:timers/promises";
import type { AddonEvent, AddonName } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { label } from "../../kubernetes/labels.ts";
import { type KubeObject, type ResourceType, resource } from "../../kubernetes/objects.ts";
import { isAvailable, type Workload } from "./facts.ts";
import { type Instances, instancesOf } from "./instances.ts";
import { addonResource, kindOf } from "./kinds.ts";
import { objectText } from "./manifest.ts";
import { readUninstallFacts } from "./plan-uninstall.ts";
import { ofOurGateway } from "./wait.ts";

export interface UninstallRun {
  readonly client: KubeClient;
  readonly timeoutMs: number;
  readonly onEvent: (event: AddonEvent) => void;
  readonly signal: AbortSignal;
}

const pollMs = 300;
/** How long a controller that runs may take to let go of its objects. */
const controllerGraceMs = 30_000;

/**
 * Removes what `cluster install` made, and nothing else: what controllers hold first, then the controllers, then what defines their
 * kinds. Everything is found by label, so that it goes on wherever an earlier run ended.
 */
export async function uninstall(run: UninstallRun): Promise<void> {
  const { client, onEvent } = run;
  const deadline = AbortSignal.timeout(run.timeoutMs);
  const signal = AbortSignal.any([run.signal, deadline]);
  let what = "";
  const doing = (text: string) => {
    what = text;
  };
  try {
    const { cluster, instances } = await readUninstallFacts(client, signal);
    const names = new Set(cluster.ours.map(({ metadata }) => metadata.labels![label.addon] as AddonName));
    for (const addon of names) onEvent({ addon, phase: "removing" });
    const ofKind = (...kinds: readonly string[]) => cluster.ours.filter(({ kind }) => kinds.includes(kind));
    const isFirst = ({ kind }: KubeObject) => heldFirst.includes(kind);

    doing("Gateways, routes and ScaledObjects");
    const held = instances.map((one) => ({
      ...one,
      objects: one.objects.filter((object) => isFirst({ ...object, kind: one.type.kind })),
    }));
    await removeHeld(held, cluster.workloads, run, signal);
    const gateways = ofKind("Gateway", "ReferenceGrant");
    await removeAll(gateways, client, signal);
    doing("the proxies of the Gateway");
    await untilProxiesAreGone(cluster.workloads, client, signal);

    doing("objects of kinds that add-ons define");
    await removeHeld(
      await instancesOf(ofKind("CustomResourceDefinition"), client, signal),
      cluster.workloads,
      run,
      signal,
    );
    await removeAll(
      ofKind("GatewayClass", "EnvoyProxy", "BackendTrafficPolicy", "ClientTrafficPolicy"),
      client,
      signal,
    );

    doing("what the API server asks");
    await removeAll(ofKind(...askedByServer), client, signal);
    doing("programs, rights and settings");
    const last = [...heldFirst, ...askedByServer, "CustomResourceDefinition", "Namespace"];
    await removeAll(
      cluster.ours.filter(({ kind }) => !last.includes(kind)),
      client,
      signal,
    );
    await removeLeft(cluster.ours, client, signal);
    doing("definitions of kinds");
    await removeAll(ofKind("CustomResourceDefinition"), client, signal);
    doing("pods, which finish what they have");
    const namespaces = ofKind("Namespace");
    await Promise.all(namespaces.map(({ metadata }) => untilPodsAreGone(metadata.name, client, signal)));
    doing("namespaces");
    await removeAll(namespaces, client, signal);
    for (const addon of names) onEvent({ addon, phase: "gone" });
  } catch (error) {
    run.signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new CortexError("TIMED_OUT", `not everything is gone yet: ${what}`, {
      hint: "run the same command again to go on",
    });
  }
}

/** Their controllers have to see them go. */
const heldFirst = [
  "Gateway",
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "UDPRoute",
  "ScaledObject",
  "ScaledJob",
  "ReferenceGrant",
];
const askedByServer = [
  "APIService",
  "MutatingWebhookConfiguration",
  "ValidatingWebhookConfiguration",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingAdmissionPolicy",
];

/** Removes objects that finalizers hold. A controller that is gone lets go of nothing, so its finalizers are taken off. */
async function removeHeld(
  all: readonly Instances[],
  workloads: readonly Workload[],
  run: UninstallRun,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    all.map(async ({ addon, type, objects }) => {
      const controllers = workloads.filter(({ metadata }) =>
        controlledBy(addon).includes(metadata.labels?.[label.addon] ?? ""),
      );
      const hasController = controllers.length > 0 && controllers.every(isAvailable);
      if (objects.length > 0) run.onEvent({ addon, phase: "removing", detail: `${objects.length} ${type.plural}` });
      await Promise.all(
        objects.map(async ({ metadata }) => {
          const { namespace, name } = metadata;
          await removeIfThere(type, namespace, name, run.client, signal);
          if (await isGoneWithin(type, namespace, name, hasController ? controllerGraceMs : 0, run.client, signal))
            return;
          await run.client.patch(type, namespace, name, { metadata: { finalizers: null } }, signal);
          await isGoneWithin(type, namespace, name, Number.POSITIVE_INFINITY, run.client, signal);
        }),
      );
    }),
  );
}

/** Kinds of the Gateway API are served by Envoy Gateway. */
function controlledBy(addon: AddonName | "settings"): readonly string[] {
  return addon === "gateway-api" ? ["envoy-gateway"] : [addon];
}

/** Envoy Gateway removes them after the Gateway; of its Services a cloud removes load balancers. */
async function untilProxiesAreGone(
  workloads: readonly Workload[],
  client: KubeClient,
  signal: AbortSignal,
): Promise<void> {
  const controller = workloads.find(({ metadata }) => metadata.labels?.[label.addon] === "envoy-gateway");
  const startedAt = performance.now();
  for (;;) {
    const found = await Promise.all(
      [resource.deployment, resource.service].map((type) => client.list(type, { labelSelector: ofOurGateway }, signal)),
    );
    const objects = found.flatMap((one, at) =>
      (one?.items ?? []).map(({ metadata }) => ({ type: at === 0 ? resource.deployment : resource.service, metadata })),
    );
    if (objects.length === 0) return;
    const isWaitedFor =
      controller !== undefined && isAvailable(controller) && performance.now() - startedAt < controllerGraceMs;
    if (!isWaitedFor) {
      await Promise.all(
        objects.map(({ type, metadata }) => removeIfThere(type, metadata.namespace, metadata.name, client, signal)),
      );
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** A namespace that still has pods when it is deleted waits for half of the time that they may take, minutes for proxies. */
async function untilPodsAreGone(namespace: string, client: KubeClient, signal: AbortSignal): Promise<void> {
  for (;;) {
    const found = await client.list(resource.pod, { namespace }, signal);
    // Those that nobody made on purpose any more go with the namespace.
    if (!found?.items.some(({ metadata }) => metadata.deletionTimestamp !== undefined)) return;
    await sleep(pollMs, undefined, { signal });
  }
}

/** Removes all at once and waits until they are gone. */
async function removeAll(objects: readonly KubeObject[], client: KubeClient, signal: AbortSignal): Promise<void> {
  await Promise.all(
    objects.map(async (object) => {
      const type = kindOf(object);
      if (!type) throw new Error(`${objectText(object)} is of no kind that add-ons are made of`);
      const { namespace, name } = object.metadata;
      await removeIfThere(type, namespace, name, client, signal);
      await isGoneWithin(type, namespace, name, Number.POSITIVE_INFINITY, client, signal);
    }),
  );
}

async function removeIfThere(
  type: ResourceType,
  namespace: string | undefined,
  name: string,
  client: KubeClient,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.remove(type, namespace, name, { propagation: "Background" }, signal);
  } catch (error) {
    // Of a kind that is gone there is nothing left; what is going has a conflict with being told again.
    const { status } = error as { status?: number };
    if (status !== 404 && status !== 409) throw error;
  }
}

async function isGoneWithin(
  type: ResourceType,
  namespace: string | undefined,
  name: string,
  ms: number,
  client: KubeClient,
  signal: AbortSignal,
): Promise<boolean> {
  const startedAt = performance.now();
  for (;;) {
    const found = await client.get(type, namespace, name, signal);
    if (!found) return true;
    if (performance.now() - startedAt >= ms) return false;
    await sleep(pollMs, undefined, { signal });
  }
}

/** What the controllers made by themselves in namespaces that stay. */
const leftBehind: readonly { readonly addon: AddonName; readonly type: ResourceType; readonly name: string }[] = [
  ...["envoy", "envoy-gateway", "envoy-rate-limit", "envoy-oidc-hmac"].map((name) => ({
    addon: "envoy-gateway" as const,
    type: resource.secret,
    name,
  })),
  { addon: "keda", type: resource.secret, name: "kedaorg-certs" },
  { addon: "keda", type: addonResource.lease, name: "operator.keda.sh" },
  { addon: "cluster-autoscaler", type: addonResource.lease, name: "cluster-autoscaler" },
  { addon: "cluster-autoscaler", type: resource.configMap, name: "cluster-autoscaler-status" },
];

async function removeLeft(ours: readonly KubeObject[], client: KubeClient, signal: AbortSignal): Promise<void> {
  const own = new Set(ours.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name));
  await Promise.all(
    leftBehind.map(async ({ addon, type, name }) => {
      const program = ours.find(
        ({ kind, metadata }) => kind === "Deployment" && metadata.labels?.[label.addon] === addon,
      );
      const namespace = program?.metadata.namespace;
      if (namespace === undefined || own.has(namespace)) return;
      await removeIfThere(type, namespace, name, client, signal);
    }),
  );
}
