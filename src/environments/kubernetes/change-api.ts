import { setTimeout as delay } from "node:timers/promises";
import type { RolloutEvent } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeError } from "../../kubernetes/kube-error.ts";
import { type KubeObject, type OwnerReference, type ResourceType, resource } from "../../kubernetes/objects.ts";
import type { Api } from "../../spec/api.ts";
import { type Anchor, type AnchorState, anchorObject, readAnchor } from "./anchor.ts";
import { allEnded, applyObjects, notOurs, refuseForeign, refuseForeignSecrets } from "./apply-objects.ts";
import { isOfPresentTemplate } from "./current-pods.ts";
import { readFailureLog } from "./failure-log.ts";
import type { ClusterFeatures } from "./features.ts";
import { type Ending, followRollout } from "./follow-rollout.ts";
import { type Failure, failureError } from "./judge.ts";
import { objectsOf } from "./manifests/objects.ts";
import { annotation, label, manager } from "./names.ts";
import type { NamespaceWatch } from "./namespace-watch.ts";
import type { RevisionRecord } from "./revision-record.ts";
import { keepRevision, pruneRevisions, readRevisions } from "./revisions.ts";
import type { ConfigMap, Deployment } from "./shapes.ts";
import { isUpdating } from "./under-way.ts";

/** What a change of one API works with. */
export interface ChangePorts {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly features: ClusterFeatures;
  /** See `Environment.inEnv`. */
  readonly inEnv: string;
  /** One for the whole process, made when the first rollout is followed. */
  watch(): NamespaceWatch;
  endpoint(api: Api): string;
  now(): number;
}

/** One API on its way to another state. */
export interface ApiChange {
  /** As it was when this change was planned; undefined for a new API. */
  readonly before: Anchor | undefined;
  /** The revision that was live last then. */
  readonly serving: number | undefined;
  readonly record: RevisionRecord;
  readonly change: "created" | "updated" | "refreshed";
  readonly refreshedAt: string | undefined;
  /** The API's objects as they were found, by kind. */
  readonly live: ReadonlyMap<ResourceType, KubeObject>;
  /** Secrets of this revision. They need the anchor as their owner, so they are made once that is there. */
  readonly secrets: (owner: OwnerReference | undefined) => readonly KubeObject[];
  readonly createdBy: string;
  readonly timeoutMs: number;
}

/** Until a Gateway has heard of endpoints that came or went: 100 to 160 ms were seen, and twice that is waited. */
export const gatewayDelayMs = 300;

/**
 * Writes the anchor, then everything else, then follows until the revision is live.
 * @throws CONFLICT when somebody else was first (nothing is changed then) or wants something else meanwhile; ROLLOUT_FAILED,
 *   NO_CAPACITY or TIMED_OUT once the replicas of what failed are stopped and what was live before is back
 */
export async function* changeApi(
  change: ApiChange,
  ports: ChangePorts,
  signal: AbortSignal,
): AsyncGenerator<RolloutEvent> {
  const { record, live } = change;
  const { client, namespace } = ports;
  const deadline = ports.now() + change.timeoutMs;
  const wantedObjects = objectsFor(change, undefined, undefined, ports);
  await Promise.all([
    refuseForeign(client, { namespace, wanted: wantedObjects, live }, signal),
    refuseForeignSecrets(client, namespace, change.secrets(change.before && ownerOf(change.before)), signal),
  ]);
  const anchor = await writeAnchor(change, deadline, ports, signal);
  const applied = await applyAndKeep(change, anchor, ports, signal);
  // Not before all is written: who does not wait reads no further.
  yield { type: "accepted", change: change.change, revision: record.number };
  const generation = applied.find(({ kind }) => kind === "Deployment")?.metadata.generation;
  const route = applied.find(({ kind }) => kind === "HTTPRoute");
  const needsRoute = route !== undefined;
  const wanted = {
    api: anchor.name,
    revision: record.number,
    id: record.id,
    generation,
    routeGeneration: route?.metadata.generation,
    isHandler: "handler" in record.spec && record.spec.handler !== null,
    inEnv: ports.inEnv,
  };
  const ending = yield* followRollout(
    {
      watch: ports.watch(),
      wanted,
      needsRoute,
      deadline,
      now: ports.now,
      isPresent: (pod, deployment) => isOfPresentTemplate(client, pod, deployment, signal),
    },
    signal,
  );
  if (ending.type !== "live") throw await endBadly(ending, change, anchor, ports, signal);
  await settle(anchor, needsRoute, ports, signal);
  yield { type: "live", revision: record.number, endpoint: ports.endpoint(record.spec) };
}

export function ownerOf({ name, uid }: Pick<Anchor, "name" | "uid">): OwnerReference {
  return { apiVersion: "v1", kind: "ConfigMap", name, uid };
}

/** The first write of every change, and the one that only one of two at once can make. */
async function writeAnchor(
  { before, serving, record, refreshedAt, createdBy }: ApiChange,
  deadline: number,
  { client, namespace, now, inEnv }: ChangePorts,
  signal: AbortSignal,
): Promise<Anchor> {
  const state: AnchorState = {
    record,
    serving,
    rollout: {
      startedAt: new Date(now()).toISOString(),
      deadline: new Date(deadline).toISOString(),
      by: createdBy,
    },
    failure: undefined,
    refreshedAt,
  };
  const object = anchorObject(namespace, state, before);
  try {
    return readAnchor(before ? await client.replace(object, signal) : await client.create(object, signal));
  } catch (error) {
    const { reason } = error as KubeError;
    const isLate = before ? reason === "Conflict" || reason === "NotFound" : reason === "AlreadyExists";
    if (!isLate) throw error;
    return otherWasFirst(record, { client, namespace, now, inEnv }, signal);
  }
}

/** @returns the anchor when it says what is wanted here as well: one's own write whose answer was lost, or the same deploy twice */
async function otherWasFirst(
  { spec: { name }, id, number }: RevisionRecord,
  { client, namespace, now, inEnv }: Pick<ChangePorts, "client" | "namespace" | "now" | "inEnv">,
  signal: AbortSignal,
): Promise<Anchor> {
  const found = await client.get<ConfigMap>(resource.configMap, namespace, name, signal);
  if (!found)
    throw new CortexError("CONFLICT", `${name} was deleted by somebody else meanwhile`, { hint: "run it again" });
  if (found.metadata.labels?.[label.managedBy] !== manager) throw notOurs(found, namespace);
  const anchor = readAnchor(found);
  if (anchor.record.id === id && anchor.record.number === number && !anchor.isBeingDeleted) return anchor;
  throw isUpdating(anchor, now(), inEnv);
}

/** @returns what was applied. @throws what the cluster refused, once what served before is back */
async function applyAndKeep(
  change: ApiChange,
  anchor: Anchor,
  ports: ChangePorts,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const owner = ownerOf(anchor);
  try {
    const [applied] = await allEnded([
      applyRevision(change, owner, change.secrets(owner), ports, signal),
      keepRevision(ports.client, ports.namespace, change.record, owner, signal),
    ]);
    return applied;
  } catch (error) {
    // A policy that refuses the Deployment has let the new route pass: half of a revision is not to stay.
    if (signal.aborted || !(error instanceof CortexError) || error.code === "CLUSTER_UNREACHABLE") throw error;
    throw await giveUp(error, undefined, change, anchor, ports, signal);
  }
}

/** @returns what was applied */
async function applyRevision(
  change: Pick<ApiChange, "record" | "live" | "refreshedAt" | "serving">,
  owner: OwnerReference,
  secrets: readonly KubeObject[],
  ports: ChangePorts,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const { record, live } = change;
  const { client, namespace } = ports;
  const replicas = await wantedReplicas(change, { client, namespace }, signal);
  const wanted = [...secrets, ...objectsFor(change, owner, replicas, ports)];
  return applyObjects(client, { namespace, api: record.spec.name, wanted, live }, signal);
}

function objectsFor(
  { record, refreshedAt }: Pick<ApiChange, "record" | "refreshedAt">,
  owner: OwnerReference | undefined,
  replicas: number | undefined,
  { namespace, features }: Pick<ChangePorts, "namespace" | "features">,
): readonly KubeObject[] {
  const { hasVariables, hasPullSecret } = record;
  const refreshed = refreshedAt === undefined ? {} : { refreshedAt };
  return objectsOf({ namespace, record, features, owner, replicas, hasVariables, hasPullSecret, ...refreshed }).objects;
}

/**
 * The number of replicas to apply. An autoscaler's is left alone: out of what is applied, unless nobody but Cortex has ever set
 * it, for then leaving it out would take it away and the default of 1 would come in its place.
 */
async function wantedReplicas(
  { record: { spec }, live, serving }: Pick<ApiChange, "record" | "live" | "serving">,
  { client, namespace }: Pick<ChangePorts, "client" | "namespace">,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (!("autoscaling" in spec)) return undefined;
  const { min_replicas: min, max_replicas: max, init_replicas: initially } = spec.autoscaling;
  if (!live.has(resource.deployment)) return initially;
  if (min === max) return min;
  const deployment = await client.get<Deployment>(resource.deployment, namespace, spec.name, signal);
  const now = deployment?.spec.replicas;
  if (!deployment || now === undefined) return initially;
  // None where there should be some, or where none ever was ready: what a first revision that failed has left.
  if (now === 0 && (min > 0 || serving === undefined)) return initially;
  return isSetByOthers(deployment) ? undefined : Math.min(max, Math.max(min, now));
}

function isSetByOthers({ metadata }: Deployment): boolean {
  return (metadata.managedFields ?? []).some(
    ({ manager: by, fieldsV1 }) =>
      by !== manager && "f:replicas" in ((fieldsV1["f:spec"] as Record<string, unknown> | undefined) ?? {}),
  );
}

/** The revision serves: says so on the anchor, forgets old revisions, waits until the Gateway has heard of it. */
async function settle(
  anchor: Anchor,
  needsRoute: boolean,
  { client, namespace }: ChangePorts,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    recordServing(anchor, { client, namespace }, signal),
    readRevisions(client, namespace, anchor.name, signal).then((records) =>
      pruneRevisions(client, namespace, records, signal),
    ),
    needsRoute && delay(gatewayDelayMs, undefined, { signal }),
  ]);
}

/** The rollout is over then: what becomes of its replicas later does not keep others from changing it. */
async function recordServing(
  { name, resourceVersion, record }: Anchor,
  { client, namespace }: Pick<ChangePorts, "client" | "namespace">,
  signal: AbortSignal,
): Promise<void> {
  const serving = { [annotation.serving]: String(record.number) };
  const patch = (metadata: object) => client.patch(resource.configMap, namespace, name, { metadata }, signal);
  try {
    await patch({ resourceVersion, annotations: { ...serving, [annotation.rollout]: null } });
  } catch (error) {
    if ((error as KubeError).reason !== "Conflict") throw error;
    // The rollout that it tells of by now may be another one.
    await patch({ annotations: serving });
  }
}

/** @returns the error to throw, once what failed is stopped, and recorded for whoever asks later */
async function endBadly(
  ending: Exclude<Ending, { type: "live" }>,
  change: ApiChange,
  anchor: Anchor,
  ports: ChangePorts,
  signal: AbortSignal,
): Promise<CortexError> {
  const api = change.record.spec.name;
  if (ending.type === "superseded") {
    const { anchor: found } = ending;
    if (!found || found.isBeingDeleted) return new CortexError("CONFLICT", `${api} was deleted meanwhile`);
    const { number, createdBy } = found.record;
    return new CortexError("CONFLICT", `${api}: revision ${number} of ${createdBy} has taken over meanwhile`, {
      hint: `see it with: cortex get ${api}${ports.inEnv}`,
    });
  }
  const { serving } = change;
  const error =
    ending.type === "late"
      ? lateError(api, change, ending.detail, ports.inEnv)
      : failureError(api, ending.failure, serving, await readFailureLog(ports.client, ending.failure, signal));
  return giveUp(error, ending.type === "failed" ? ending.failure : undefined, change, anchor, ports, signal);
}

/** @returns what failed first, whatever else may fail while it is recorded and what was live before is brought back */
async function giveUp(
  error: CortexError,
  failure: Failure | undefined,
  change: ApiChange,
  anchor: Anchor,
  ports: ChangePorts,
  signal: AbortSignal,
): Promise<CortexError> {
  try {
    if (await recordFailure(error, failure, change, anchor, ports, signal)) {
      await goBack(change, ownerOf(anchor), error, ports, signal);
    }
  } catch (problem) {
    signal.throwIfAborted();
    if (!(problem instanceof CortexError)) throw problem;
    if (problem.message === error.message) return error;
    const message = `${error.message}; what was there before could not be brought back: ${problem.message}`;
    const { hint, details } = error;
    return new CortexError(error.code, message, { ...(hint && { hint }), ...(details && { details }), cause: problem });
  }
  return error;
}

function lateError(api: string, { record, timeoutMs, serving }: ApiChange, detail: string, inEnv: string): CortexError {
  const stays = serving === undefined ? "" : `; revision ${serving} serves on`;
  const message = `${api}: revision ${record.number} was not live within ${Math.round(timeoutMs / 1000)} s: ${detail}${stays}`;
  return new CortexError("TIMED_OUT", message, {
    hint: `give it longer with --timeout, or see what it does: cortex logs ${api}${inEnv}`,
  });
}

/** Longest message that an annotation is given; the whole one was shown to whoever deployed. */
const mostFailureBytes = 8 * 1024;

/** How often the failure is written again over what others wrote meanwhile, such as who was live before. */
const mostRecordings = 5;

/** @returns false when somebody has started another change meanwhile, which is then left alone */
async function recordFailure(
  error: CortexError,
  failure: Failure | undefined,
  { record, before }: ApiChange,
  own: Anchor,
  { client, namespace, now }: ChangePorts,
  signal: AbortSignal,
): Promise<boolean> {
  const details = error.details === undefined ? "" : `\n${error.details}`;
  const recorded = {
    code: error.code,
    message: `${error.message}${details}`.slice(0, mostFailureBytes),
    ...(failure?.trouble?.kind === "memory" && { outOfMemory: true }),
    at: new Date(now()).toISOString(),
  };
  for (let tries = 1; ; tries += 1) {
    const object = await client.get<ConfigMap>(resource.configMap, namespace, record.spec.name, signal);
    if (!object) return false;
    const anchor = readAnchor(object);
    if (anchor.isBeingDeleted || !isSameRollout(anchor, own)) return false;
    const state = { ...anchor, failure: recorded, refreshedAt: before?.refreshedAt };
    try {
      await client.replace(anchorObject(namespace, state, anchor), signal);
      return true;
    } catch (replaceError) {
      if ((replaceError as KubeError).reason !== "Conflict" || tries >= mostRecordings) throw replaceError;
    }
  }
}

/** The same revision may be rolled out anew by another command, which is then the one to say how it ended. */
function isSameRollout(one: Anchor, other: Anchor): boolean {
  return (
    one.record.number === other.record.number &&
    one.record.id === other.record.id &&
    one.rollout?.startedAt === other.rollout?.startedAt
  );
}

/** What was live before is applied again, so that it serves with all its replicas; a first revision is scaled to none. */
async function goBack(
  change: ApiChange,
  owner: OwnerReference,
  error: CortexError,
  ports: ChangePorts,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace, features } = ports;
  const api = change.record.spec.name;
  const record = await servingRecord(change, { client, namespace }, signal);
  // Nobody knows any more what it was made of, but its replicas are there.
  if (!record && change.serving !== undefined) return;
  const live = await readLive(client, namespace, api, signal);
  if (record) {
    const refreshedAt = change.before?.refreshedAt;
    await applyRevision({ ...change, record, live, refreshedAt }, owner, [], ports, signal);
    return;
  }
  const { objects } = objectsOf({
    namespace,
    record: change.record,
    features,
    owner,
    replicas: 0,
    hasVariables: change.record.hasVariables,
    hasPullSecret: change.record.hasPullSecret,
    unavailable: { code: error.code.toLowerCase(), message: error.message, retryAfterS: 10 },
  });
  // Without what scales it: that would start the replicas anew.
  const wanted = objects.filter(({ kind }) => kind !== "ScaledObject" && kind !== "HorizontalPodAutoscaler");
  await applyObjects(client, { namespace, api, wanted, live }, signal);
}

/** What serves; a command that was killed may have left it without a ControllerRevision. */
async function servingRecord(
  { record, before, serving }: ApiChange,
  { client, namespace }: Pick<ChangePorts, "client" | "namespace">,
  signal: AbortSignal,
): Promise<RevisionRecord | undefined> {
  if (serving === undefined) return undefined;
  const known = [record, before?.record].find((one) => one?.number === serving);
  if (known) return known;
  const records = await readRevisions(client, namespace, record.spec.name, signal);
  return records.find(({ number }) => number === serving);
}

/** The objects of one API as they are now, by kind. */
export async function readLive(
  client: KubeClient,
  namespace: string,
  api: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<ResourceType, KubeObject>> {
  const { ownedTypes } = await import("./snapshot.ts");
  const found = await Promise.all(
    ownedTypes.map(async (type) => [type, await client.get(type, namespace, api, signal)] as const),
  );
  return new Map(
    found.flatMap(([type, object]) =>
      object?.metadata.labels?.[label.managedBy] === manager ? [[type, object] as const] : [],
    ),
  );
}
