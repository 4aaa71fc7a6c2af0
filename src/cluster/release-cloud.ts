import { CortexError } from "../core/errors.ts";
import type { Clock } from "../core/graph/resource.ts";
import type { KubeClient } from "../kubernetes/kube-client.ts";
import { type KubeObject, type ResourceType, resource } from "../kubernetes/objects.ts";

export interface ReleaseOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** After which all else goes on without it; default five minutes. */
  readonly timeoutMs?: number;
  /** What it waits for now. */
  readonly onDetail?: (detail: string) => void;
}

export interface Released {
  /** `Service models/ingress`: their load balancers are left for whoever looks for them in AWS. */
  readonly left: readonly string[];
  /** Why it was given up, where it was not for the time. */
  readonly cause?: CortexError;
}

interface Service extends KubeObject {
  readonly spec: { readonly type?: string };
}

const pollMs = 2_000;

/**
 * Removes, through Kubernetes, what it made in the cloud for Gateways and Services, whoever's they are: it does so faster and with
 * less left behind than anybody who takes the load balancers away under it. Never fails: a cluster that does not answer, or whose
 * controllers do not run, is given up.
 */
export async function releaseCloud(options: ReleaseOptions, signal: AbortSignal): Promise<Released> {
  const { clock, timeoutMs = 300_000 } = options;
  const endsAt = clock.now() + timeoutMs;
  let left: readonly string[] = [];
  try {
    for (;;) {
      left = await removeOnce(options.client, signal);
      if (left.length === 0 || clock.now() >= endsAt) return { left };
      options.onDetail?.(`waits for ${left.length === 1 ? left[0] : `${left.length} load balancers`} to go`);
      await clock.sleep(pollMs, signal);
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (!(cause instanceof CortexError)) throw cause;
    return { left, cause };
  }
}

/** Gateways first: while one is there, its controller makes its Service again. @returns what is still there */
async function removeOnce(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const gateways = await allOf<KubeObject>(client, resource.gateway, signal);
  await removeAll(client, resource.gateway, gateways, signal);
  if (gateways.length > 0) return gateways.map((one) => textOf("Gateway", one));
  const services = await allOf<Service>(client, resource.service, signal);
  const balanced = services.filter(({ spec }) => spec.type === "LoadBalancer");
  await removeAll(client, resource.service, balanced, signal);
  return balanced.map((one) => textOf("Service", one));
}

async function allOf<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  signal: AbortSignal,
): Promise<readonly T[]> {
  return (await client.list<T>(type, {}, signal))?.items ?? [];
}

async function removeAll(
  client: KubeClient,
  type: ResourceType,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  const going = objects.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  await Promise.all(
    going.map(({ metadata: { namespace, name } }) =>
      client.remove(type, namespace, name, { propagation: "Background" }, signal),
    ),
  );
}

function textOf(kind: string, { metadata: { namespace, name } }: KubeObject): string {
  return `${kind} ${namespace}/${name}`;
}
