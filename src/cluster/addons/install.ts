import { setTimeout as sleep } from "node:timers/promises";
import type { AddonEvent, AddonName, AddonPlan, Installed, InstallPlan } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { clusterConfig } from "../../kubernetes/labels.ts";
import { type KubeObject, resource } from "../../kubernetes/objects.ts";
import type { Gateway } from "./facts.ts";
import { kindOf } from "./kinds.ts";
import { labelled, objectText } from "./manifest.ts";
import { installedReleases, settingsObject, type WrittenSettings } from "./settings-objects.ts";
import { type Waiting, waitForAddon } from "./wait.ts";

export interface InstallRun {
  readonly client: KubeClient;
  readonly version: string;
  readonly timeoutMs: number;
  readonly onEvent: (event: AddonEvent) => void;
  readonly signal: AbortSignal;
}

/** What must be there before something of the add-on is applied. */
const needs: Readonly<Partial<Record<AddonName, readonly AddonName[]>>> = {
  "envoy-gateway": ["gateway-api"],
  gateway: ["gateway-api", "envoy-gateway"],
};

/**
 * Does what was planned, add-ons beside each other where they may be. Whenever it ends, run again it goes on from there: what is
 * written down of a release is written once it works.
 */
export async function install(plan: InstallPlan, run: InstallRun): Promise<Installed> {
  const { client, signal, onEvent } = run;
  const deadline = AbortSignal.timeout(run.timeoutMs);
  await applyAll(plan.before as readonly KubeObject[], run, deadline);
  const applied = new Map<AddonName, PromiseWithResolvers<void>>(
    plan.addons.map(({ name }) => [name, Promise.withResolvers<void>()]),
  );
  for (const { promise } of applied.values()) promise.catch(() => {});
  const results = await Promise.all(
    plan.addons.map(async (addon) => {
      try {
        await Promise.all((needs[addon.name] ?? []).map((name) => applied.get(name)?.promise));
        await installOne(addon, run, deadline, () => applied.get(addon.name)!.resolve());
        return { addon };
      } catch (error) {
        applied.get(addon.name)!.reject(error);
        signal.throwIfAborted();
        if (!(error instanceof CortexError)) throw error;
        onEvent({ addon: addon.name, phase: "failed", detail: error.message });
        return { addon, error };
      }
    }),
  );
  // What has become ready is written down whatever else took too long.
  await applyAll(plan.after as readonly KubeObject[], run, AbortSignal.timeout(run.timeoutMs));
  await writeSettings(
    plan,
    results.filter(({ error }) => !error).map(({ addon }) => addon),
    run,
  );
  const address = plan.gateway === undefined ? undefined : await addressOf(client, plan.gateway, signal);
  return {
    ...(plan.gateway !== undefined && { gateway: plan.gateway }),
    ...(address !== undefined && { address }),
    ...(plan.settings.prometheus !== undefined && { prometheus: plan.settings.prometheus }),
    failures: results.flatMap(({ addon, error }) => (error ? [{ addon: addon.name, error }] : [])),
  };
}

async function installOne(
  addon: AddonPlan,
  run: InstallRun,
  deadline: AbortSignal,
  onApplied: () => void,
): Promise<void> {
  const { name, isAwaited } = addon;
  const { client, onEvent, signal } = run;
  const objects = addon.objects as readonly KubeObject[];
  let done = 0;
  const onObject = () => {
    done += 1;
    onEvent({ addon: name, phase: "applying", detail: `${done} of ${objects.length}` });
  };
  if (objects.length > 0) onEvent({ addon: name, phase: "applying", detail: `${objects.length} objects` });
  await applyAll(objects, run, deadline, onObject);
  onApplied();
  if (isAwaited) {
    onEvent({ addon: name, phase: "waiting" });
    const waiting: Waiting = {
      deadline,
      signal,
      onDetail: (detail) => onEvent({ addon: name, phase: "waiting", detail }),
    };
    await waitForAddon(client, name, waiting);
  }
  const surplus = (addon.surplus ?? []) as readonly KubeObject[];
  const isGoing = addon.action === "remove";
  if (isGoing) onEvent({ addon: name, phase: "removing", detail: `${surplus.length} objects` });
  await removeSurplus(surplus, client, signal);
  if (isGoing) onEvent({ addon: name, phase: "gone" });
  else if (objects.length > 0 || isAwaited) onEvent({ addon: name, phase: "ready" });
}

async function removeSurplus(objects: readonly KubeObject[], client: KubeClient, signal: AbortSignal): Promise<void> {
  await Promise.all(
    objects.map((one) => {
      const { namespace, name } = one.metadata;
      return client.remove(kindOf(one)!, namespace, name, { propagation: "Background" }, signal);
    }),
  );
}

/** In stages: what others lie in or are defined by first, what runs last; within a stage all at once. */
async function applyAll(
  objects: readonly KubeObject[],
  run: InstallRun,
  deadline: AbortSignal,
  onObject: () => void = () => {},
): Promise<void> {
  const signal = AbortSignal.any([run.signal, deadline]);
  try {
    for (const stage of stagesOf(objects)) {
      await Promise.all(
        stage.map(async (object) => {
          await applyOne(object, run.client, signal);
          onObject();
        }),
      );
      await untilServed(stage, run.client, signal);
    }
  } catch (error) {
    run.signal.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new CortexError("TIMED_OUT", "not everything could be applied in time", {
      hint: "run the same command again to go on, with a longer --timeout",
    });
  }
}

const stageOfKind: Readonly<Record<string, number>> = {
  Namespace: 0,
  CustomResourceDefinition: 1,
  EnvoyProxy: 2,
  ReferenceGrant: 2,
  Job: 3,
  GatewayClass: 3,
  Gateway: 4,
  Deployment: 4,
  StatefulSet: 4,
  DaemonSet: 4,
  APIService: 4,
  MutatingWebhookConfiguration: 4,
  ValidatingWebhookConfiguration: 4,
};
/** Rights, settings, services. */
const usualStage = 2;

export function stagesOf(objects: readonly KubeObject[]): readonly (readonly KubeObject[])[] {
  const stages = Map.groupBy(objects, ({ kind }) => stageOfKind[kind] ?? usualStage);
  return [...stages.keys()].sort((a, b) => a - b).map((stage) => stages.get(stage)!);
}

const retryMs = 300;

/** A job is not changed but made again; all else is applied, and taken back from whoever changed it. */
async function applyOne(object: KubeObject, client: KubeClient, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.apply(object, { force: true }, signal);
      return;
    } catch (error) {
      const isOver = signal.aborted || !(error instanceof CortexError) || attempt === 20 || !isPassing(error);
      if (isOver) throw error;
      await sleep(retryMs, undefined, { signal });
    }
  }
}

/** What an API server answers while it takes in new kinds, or while an older namespace of that name goes away. */
function isPassing(error: CortexError): boolean {
  const { status, reason } = error as CortexError & { status?: number; reason?: string };
  if (status === 404) return true;
  return status === 403 && /being terminated/.test(error.message + (reason ?? ""));
}

/** Waits until the API server serves all that the definitions define. */
async function untilServed(stage: readonly KubeObject[], client: KubeClient, signal: AbortSignal): Promise<void> {
  const definitions = stage.filter(({ kind }) => kind === "CustomResourceDefinition") as Definition[];
  const wanted = definitions.flatMap(({ spec }) =>
    spec.versions
      .filter(({ served }) => served)
      .map(({ name }) => ({ groupVersion: `${spec.group}/${name}`, plural: spec.names.plural })),
  );
  const byVersion = Map.groupBy(wanted, ({ groupVersion }) => groupVersion);
  await Promise.all(
    [...byVersion].map(async ([groupVersion, kinds]) => {
      for (;;) {
        const served = await servedBy(client, groupVersion, signal);
        if (kinds.every(({ plural }) => served.includes(plural))) return;
        await sleep(retryMs / 2, undefined, { signal });
      }
    }),
  );
}

interface Definition extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string };
    readonly versions: readonly { readonly name: string; readonly served: boolean }[];
  };
}

async function servedBy(client: KubeClient, groupVersion: string, signal: AbortSignal): Promise<readonly string[]> {
  const { status, body } = await client.request({ method: "GET", path: `/apis/${groupVersion}` }, signal);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  if (status !== 200) return [];
  const { resources } = JSON.parse(Buffer.concat(chunks).toString()) as {
    resources: readonly { readonly name: string }[];
  };
  return resources.map(({ name }) => name);
}

/** Merges with what another run wrote down meanwhile; add-ons that failed are looked at again next time. */
async function writeSettings(plan: InstallPlan, done: readonly AddonPlan[], run: InstallRun): Promise<void> {
  const { client, signal } = run;
  const { namespace, name } = clusterConfig;
  const before = await client.get<KubeObject & { data?: WrittenSettings }>(resource.configMap, namespace, name, signal);
  const releases = Object.fromEntries(done.flatMap((one) => (one.release ? [[one.name, one.release]] : [])));
  if (before && plan.isWrittenDown && Object.keys(releases).length === 0) return;
  const installed = { ...installedReleases(before?.data?.installed), ...releases };
  const data: WrittenSettings = { ...plan.settings, installed: JSON.stringify(installed), writtenBy: run.version };
  const [object] = labelled([settingsObject(data)], "settings");
  run.onEvent({ addon: "settings", phase: "applying", detail: objectText(object!) });
  await client.apply(object!, { force: true }, signal);
  run.onEvent({ addon: "settings", phase: "ready" });
}

/** @param gateway `namespace/name` @returns where its first listener is reached; undefined without an address */
export async function addressOf(client: KubeClient, gateway: string, signal: AbortSignal): Promise<string | undefined> {
  const [namespace, name] = gateway.split("/");
  const found = await client.get<Gateway>(resource.gateway, namespace, name!, signal);
  const value = found?.status?.addresses?.[0]?.value;
  if (!found || value === undefined) return undefined;
  const { listeners } = found.spec;
  const listener = listeners.find(({ protocol }) => protocol === "HTTPS") ?? listeners[0];
  const scheme = listener?.protocol === "HTTPS" ? "https" : "http";
  const usual = scheme === "https" ? 443 : 80;
  const host = value.includes(":") ? `[${value}]` : value;
  return `${scheme}://${host}${listener && listener.port !== usual ? `:${listener.port}` : ""}`;
}
