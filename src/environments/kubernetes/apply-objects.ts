import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeError } from "../../kubernetes/kube-error.ts";
import { type KubeObject, type ResourceType, resource } from "../../kubernetes/objects.ts";
import { hasAdditions, isByHand } from "./drift.ts";
import { label, manager, ours } from "./names.ts";
import type { Deployment } from "./shapes.ts";
import { ownedTypes } from "./snapshot.ts";

/** What is to be of one API's objects. */
export interface ObjectsChange {
  readonly namespace: string;
  readonly api: string;
  /** In any order. */
  readonly wanted: readonly KubeObject[];
  /** Those that there are, by kind, as far as it is known; others are looked for. */
  readonly live: ReadonlyMap<ResourceType, KubeObject>;
}

/** What pods name must be there before pods are made. */
const first: ReadonlySet<string> = new Set(["Secret", "ServiceAccount"]);
/** What scales a Deployment looks for it at once. */
const last: ReadonlySet<string> = new Set(["HorizontalPodAutoscaler", "ScaledObject"]);

/**
 * Applies all objects, what others need first, and removes those of Cortex's that are wanted no longer.
 * @returns the objects as they are now
 */
export async function applyObjects(
  client: KubeClient,
  change: ObjectsChange,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const { wanted, live, namespace } = change;
  const surplus = [...live].filter(([type, object]) => isSurplus(type, object, wanted));
  await allEnded(
    surplus.map(([type, { metadata }]) =>
      client.remove(type, namespace, metadata.name, { ...(metadata.uid && { uid: metadata.uid }) }, signal),
    ),
  );
  const applied: KubeObject[] = [];
  for (const stage of stages(wanted)) {
    applied.push(...(await allEnded(stage.map((object) => applyOne(client, object, signal)))));
  }
  return applied;
}

/** As `Promise.all`, but while one fails it waits for the others: nothing is written any more once it throws. */
export async function allEnded<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** How often the whole is written again over what a controller wrote in between; that is often its status. */
const mostTries = 8;

/**
 * Applies an object, and takes out what others added, which applying leaves alone.
 * @returns the object as it is now
 */
async function applyOne(client: KubeClient, object: KubeObject, signal: AbortSignal): Promise<KubeObject> {
  for (let tries = 1; ; tries += 1) {
    const applied = await client.apply(object, { force: true }, signal);
    if (!hasAdditions(object, applied)) return applied;
    try {
      return await client.replace(withoutAdditions(object, applied), signal);
    } catch (error) {
      if ((error as KubeError).reason !== "Conflict" || tries >= mostTries) throw error;
    }
  }
}

/** The whole specification as it is wanted, and nobody named who added to it by hand. Replicas stay as they are. */
function withoutAdditions(object: KubeObject, applied: KubeObject): KubeObject {
  const { replicas } = (applied as Deployment).spec ?? {};
  const managedFields = applied.metadata.managedFields?.filter((entry) => !isByHand(entry));
  const whole = {
    ...applied,
    metadata: { ...applied.metadata, managedFields },
    spec: { ...(replicas !== undefined && { replicas }), ...(object as Deployment).spec },
  };
  return whole as unknown as KubeObject;
}

function stages(wanted: readonly KubeObject[]): readonly (readonly KubeObject[])[] {
  const isFirst = ({ kind }: KubeObject) => first.has(kind);
  const isLast = ({ kind }: KubeObject) => last.has(kind);
  return [
    wanted.filter(isFirst),
    wanted.filter((object) => !isFirst(object) && !isLast(object)),
    wanted.filter(isLast),
  ].filter((stage) => stage.length > 0);
}

/** What is not wanted any more; not what a controller of ours made, such as the autoscaler of a ScaledObject. */
function isSurplus(type: ResourceType, object: KubeObject, wanted: readonly KubeObject[]): boolean {
  if (object.metadata.ownerReferences?.some(({ controller }) => controller === true)) return false;
  return !wanted.some(({ kind, metadata }) => kind === type.kind && metadata.name === object.metadata.name);
}

/**
 * Looks by name at what is not known to be ours, before anything is changed: what somebody else made is never touched.
 * @throws CONFLICT when there is such a thing
 */
export async function refuseForeign(
  client: KubeClient,
  { namespace, wanted, live }: Omit<ObjectsChange, "api">,
  signal: AbortSignal,
): Promise<void> {
  const known = new Set([...live.values()].map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  const unknown = wanted.filter(({ kind, metadata }) => kind !== "Secret" && !known.has(`${kind}/${metadata.name}`));
  const found = await Promise.all(
    unknown.map(async ({ kind, metadata }) => {
      const type = ownedTypes.find((one) => one.kind === kind);
      return type && client.get(type, namespace, metadata.name, signal);
    }),
  );
  const foreign = found.find((object) => object && object.metadata.labels?.[label.managedBy] !== manager);
  if (foreign) throw notOurs(foreign, namespace);
}

/**
 * The same for credentials to pull images, whose name is one that people choose too. Secrets are not to be read: the server is
 * asked whether somebody else wrote what would be written. Those of variables have a hash for a name, which nobody chooses.
 * @throws CONFLICT when there is such a thing
 */
export async function refuseForeignSecrets(
  client: KubeClient,
  namespace: string,
  secrets: readonly KubeObject[],
  signal: AbortSignal,
): Promise<void> {
  const chosen = secrets.filter((secret) => (secret as { readonly type?: string }).type !== "Opaque");
  await Promise.all(chosen.map((secret) => refuseForeignSecret(client, namespace, secret, signal)));
}

async function refuseForeignSecret(client: KubeClient, namespace: string, secret: KubeObject, signal: AbortSignal) {
  try {
    await client.apply(secret, { dryRun: true }, signal);
  } catch (error) {
    if ((error as KubeError).reason !== "Conflict") throw error;
    const { name } = secret.metadata;
    throw new CortexError(
      "CONFLICT",
      `the namespace ${namespace} has a Secret ${name} already, which somebody else wrote and Cortex does not touch`,
      { hint: `when nothing uses it: kubectl delete secret ${name} -n ${namespace}; else give the API another name` },
    );
  }
}

export function notOurs({ kind, metadata }: KubeObject, namespace: string): CortexError {
  return new CortexError(
    "CONFLICT",
    `the namespace ${namespace} has a ${kind} ${metadata.name} already, which Cortex did not make and does not touch`,
    { hint: "give the API another name, or use another namespace: cortex env configure NAME --namespace NAMESPACE" },
  );
}

/** All objects of an API that Cortex made, its anchor aside, by what is found now. */
export async function removeObjects(
  client: KubeClient,
  namespace: string,
  api: string,
  signal: AbortSignal,
): Promise<void> {
  const labelSelector = `${ours},${label.name}=${api}`;
  // Routes go first, so that nothing is sent to what is about to end.
  const stagesOfTypes: readonly (readonly ResourceType[])[] = [
    [resource.httpRoute, resource.scaledObject],
    [...ownedTypes.filter((type) => type !== resource.httpRoute && type !== resource.scaledObject)],
  ];
  for (const types of stagesOfTypes) {
    await Promise.all(
      types.map(async (type) => {
        const list = await client.list(type, { namespace, labelSelector }, signal);
        await Promise.all(
          (list?.items ?? []).map(({ metadata }) =>
            client.remove(type, namespace, metadata.name, { propagation: "Background" }, signal),
          ),
        );
      }),
    );
  }
}
