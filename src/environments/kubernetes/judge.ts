import { CortexError } from "../../core/errors.ts";
import type { Anchor } from "./anchor.ts";
import { isComplete, templateRevision } from "./api-states.ts";
import { annotation, label } from "./names.ts";
import { condition, isReady, type PodTrouble, troubleOf } from "./pod-state.ts";
import type { Condition, Deployment, HttpRoute, KubeEvent, Pod } from "./shapes.ts";

/** All that a rollout can be judged by, at one moment. */
export interface RolloutView {
  readonly anchor: Anchor | undefined;
  readonly deployment: Deployment | undefined;
  readonly pods: readonly Pod[];
  /** When each of those pods was seen first, by its uid, milliseconds since the epoch: the cluster's clock may be another. */
  readonly seenAt: ReadonlyMap<string, number>;
  /** Of those pods, by the pod's uid. */
  readonly events: ReadonlyMap<string, readonly KubeEvent[]>;
  /** Undefined where there is no Gateway. */
  readonly route: HttpRoute | undefined;
  readonly needsRoute: boolean;
  /** Since when the Gateway refuses that route, milliseconds since the epoch; undefined when it does not. */
  readonly refusedSince: number | undefined;
  /** Whether the anchor was seen with the revision that is judged: a watch may lag behind the write. */
  readonly wasSeen: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface RolloutWanted {
  readonly api: string;
  readonly revision: number;
  readonly id: string;
  /** Of the Deployment, once it was applied; undefined for what has none. */
  readonly generation: number | undefined;
  /** Of the HTTPRoute, once it was applied. */
  readonly routeGeneration: number | undefined;
  /** Whether the user's own code starts in it, whose failure will not mend itself. */
  readonly isHandler: boolean;
  /** See `Environment.inEnv`. */
  readonly inEnv?: string;
}

export interface Failure {
  readonly code: "ROLLOUT_FAILED" | "NO_CAPACITY" | "CLUSTER_REFUSED";
  readonly reason: string;
  readonly hint: string;
  readonly pod?: Pod;
  readonly trouble?: PodTrouble;
}

export type Verdict =
  | { readonly type: "waiting"; readonly detail: string }
  | { readonly type: "live" }
  | { readonly type: "failed"; readonly failure: Failure }
  /** Somebody else wants another revision by now. */
  | { readonly type: "superseded"; readonly anchor: Anchor | undefined };

/** How long a replica may find no node before that counts; a scheduler needs a moment, and so does room that is being made. */
const patienceWithSchedulerMs = 12_000;
/** A Gateway that was told of a route and its Services in another order corrects itself within a second. */
const patienceWithGatewayMs = 10_000;
/** A container of others may wait for something and be started again; this many ends are too many. */
const endsOfContainers = 2;
/** For what is often gone at the second try: a registry that answers late, a Secret that is on its way. */
const patienceWithStartMs = 8_000;

/** @returns how a rollout stands: pure, so that every failure can be shown to it in a test */
export function judge(view: RolloutView, wanted: RolloutWanted): Verdict {
  const { anchor, deployment } = view;
  if (isOver(view, wanted)) return { type: "superseded", anchor };
  if (wanted.generation === undefined) return judgeRoute(view, wanted);
  if (!deployment || (deployment.status?.observedGeneration ?? 0) < wanted.generation) {
    return { type: "waiting", detail: "the cluster has not looked at it yet" };
  }
  const pods = view.pods.filter((pod) => isNew(pod, deployment, wanted));
  const failure = refusedFailure(deployment, wanted) ?? firstFailure(pods, view, wanted);
  if (failure) return { type: "failed", failure };
  if (templateRevision(deployment) !== wanted.revision || !isRolledOut(deployment)) {
    return { type: "waiting", detail: waitingFor(pods, view) };
  }
  return judgeRoute(view, wanted);
}

/** Whether the Deployment stands by this pod; what a refresh replaces is of the same revision, and may well be in trouble. */
function isNew({ metadata }: Pod, { spec }: Deployment, { revision }: RolloutWanted): boolean {
  return (
    Number(metadata.labels?.[label.revision] ?? 0) === revision &&
    metadata.annotations?.[annotation.refreshedAt] === spec.template.metadata?.annotations?.[annotation.refreshedAt] &&
    metadata.deletionTimestamp === undefined
  );
}

function judgeRoute(view: RolloutView, { routeGeneration }: RolloutWanted): Verdict {
  const { needsRoute, route, refusedSince, now } = view;
  if (!needsRoute || isAccepted(route, routeGeneration)) return { type: "live" };
  if (refusedSince === undefined || now - refusedSince < patienceWithGatewayMs) {
    return { type: "waiting", detail: routeDetail(route) };
  }
  const hint = "see what the Gateway's listeners allow: allowedRoutes, hostnames, and that its Services are there";
  return { type: "failed", failure: { code: "CLUSTER_REFUSED", reason: routeDetail(route), hint } };
}

/** Whether somebody wants something else by now, or has deleted it, and maybe deployed it anew. */
function isOver({ anchor, wasSeen }: RolloutView, { revision, id }: RolloutWanted): boolean {
  if (!anchor || anchor.isBeingDeleted || anchor.record.number < revision) return wasSeen;
  const { record } = anchor;
  return record.number > revision || (record.number === revision && record.id !== id);
}

/** Stricter than `isComplete`: right now, all of them. */
function isRolledOut(deployment: Deployment): boolean {
  const { availableReplicas = 0 } = deployment.status ?? {};
  return isComplete(deployment) && availableReplicas >= (deployment.spec.replicas ?? 1);
}

/** @param applied the generation that was written, which a watch may not have seen yet */
function isAccepted(route: HttpRoute | undefined, applied = 0): boolean {
  const parents = route?.status?.parents ?? [];
  const generation = route?.metadata.generation ?? 0;
  if (generation < applied) return false;
  return (
    parents.length > 0 &&
    parents.every(({ conditions = [] }) =>
      ["Accepted", "ResolvedRefs"].every((type) =>
        conditions.some(
          (one) => one.type === type && one.status === "True" && (one.observedGeneration ?? generation) >= generation,
        ),
      ),
    )
  );
}

/** @returns the condition that says why the Gateway does not take `route` */
export function routeRefusal(route: HttpRoute | undefined): Condition | undefined {
  const conditions = (route?.status?.parents ?? []).flatMap((parent) => parent.conditions ?? []);
  return conditions.find(({ type, status }) => status === "False" && (type === "Accepted" || type === "ResolvedRefs"));
}

function routeDetail(route: HttpRoute | undefined): string {
  const refused = routeRefusal(route);
  return refused
    ? `the Gateway does not take its route: ${refused.message ?? refused.reason}`
    : "the Gateway has not taken its route yet";
}

/** The API server takes no pods of it: a quota, an admission policy. */
function refusedFailure(deployment: Deployment, { api }: RolloutWanted): Failure | undefined {
  const refused = deployment.status?.conditions?.find(
    ({ type, status }) => type === "ReplicaFailure" && status === "True",
  );
  const message = refused?.message ?? "";
  if (!refused) return undefined;
  const isQuota = /exceeded quota|must specify limits|must specify requests/i.test(message);
  return isQuota
    ? {
        code: "NO_CAPACITY",
        reason: `the namespace's quota has no room for a replica: ${message}`,
        hint: `delete or scale down other APIs, ask for less compute in ${api}, or have the quota raised`,
      }
    : {
        code: "CLUSTER_REFUSED",
        reason: `the cluster takes no replica of it: ${message}`,
        hint: "the message names the policy; change what it refuses, or ask who runs the cluster",
      };
}

function firstFailure(pods: readonly Pod[], view: RolloutView, wanted: RolloutWanted): Failure | undefined {
  for (const pod of pods) {
    const failure = podFailure(pod, view, wanted);
    if (failure) return { pod, ...failure };
  }
  return undefined;
}

function podFailure(pod: Pod, view: RolloutView, wanted: RolloutWanted): Failure | undefined {
  const trouble = troubleOf(pod);
  const ageMs = view.now - (view.seenAt.get(pod.metadata.uid ?? "") ?? view.now);
  if (trouble) return troubleFailure(trouble, ageMs, wanted);
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status === "False" && scheduled.reason === "Unschedulable") return noNode(pod, scheduled, ageMs, view);
  return undefined;
}

function troubleFailure(
  trouble: PodTrouble,
  ageMs: number,
  { api, isHandler, inEnv = "" }: RolloutWanted,
): Failure | undefined {
  const { kind, reason, restarts, words = "" } = trouble;
  switch (kind) {
    case "image": {
      const isCertain = /not found|unauthori[sz]ed|denied|invalid|forbidden|no match/i.test(reason);
      if (!isCertain && ageMs < patienceWithStartMs) return undefined;
      return {
        code: "ROLLOUT_FAILED",
        reason,
        hint: "check the image's name, that the cluster's nodes reach its registry, and the credentials to pull it",
        trouble,
      };
    }
    case "memory":
      return {
        code: "ROLLOUT_FAILED",
        reason,
        hint: "give it more memory: raise compute.mem",
        trouble,
      };
    case "crash": {
      const isFinal =
        (isHandler && trouble.container === "api") ||
        restarts + 1 >= endsOfContainers ||
        /not found|no such file|permission denied/i.test(words);
      if (!isFinal) return undefined;
      return {
        code: "ROLLOUT_FAILED",
        reason,
        hint: `mend it and deploy again; its last words are kept: cortex get ${api}${inEnv}`,
        trouble,
      };
    }
    case "container":
      if (ageMs < patienceWithStartMs) return undefined;
      return {
        code: "ROLLOUT_FAILED",
        reason,
        hint: `see: kubectl describe pods -l app.kubernetes.io/name=${api}`,
        trouble,
      };
    case "evicted":
      return { code: "ROLLOUT_FAILED", reason, hint: "ask for less compute, or give the cluster more room", trouble };
  }
}

function noNode(pod: Pod, scheduled: Condition, ageMs: number, view: RolloutView): Failure | undefined {
  const events = view.events.get(pod.metadata.uid ?? "") ?? [];
  const isNodeComing = events.some(({ reason }) => reason === "TriggeredScaleUp" || reason === "Nominated");
  if (isNodeComing || ageMs < patienceWithSchedulerMs) return undefined;
  return {
    code: "NO_CAPACITY",
    reason: `no node has room for it: ${scheduled.message ?? "unschedulable"}`,
    hint: "ask for less under compute, add nodes, or set update_strategy.max_surge to 0 so that an update needs no room of its own",
  };
}

/** What a rollout waits for, in words. */
function waitingFor(pods: readonly Pod[], view: RolloutView): string {
  const waiting = pods.find((pod) => !isReady(pod));
  if (!waiting) return "it waits for replicas";
  const events = view.events.get(waiting.metadata.uid ?? "") ?? [];
  const probe = events.findLast(({ reason }) => reason === "Unhealthy")?.message;
  const scheduling = condition(waiting, "PodScheduled");
  const cause = scheduling?.status === "False" ? scheduling.message : probe;
  return `replica ${waiting.metadata.name} is not ready${cause ? `: ${cause}` : ""}`;
}

/** @returns the error that a user reads. @param serving the revision that goes on serving */
export function failureError(
  api: string,
  failure: Failure,
  serving: number | undefined,
  logTail: string | undefined,
): CortexError {
  const where = failure.pod ? `replica ${failure.pod.metadata.name}: ` : "";
  const stays = serving === undefined ? "" : `; revision ${serving} serves on`;
  const details = failure.trouble?.words ?? logTail;
  return new CortexError(failure.code, `${api}: ${where}${failure.reason}${stays}`, {
    hint: failure.hint,
    ...(details && { details: details.trimEnd() }),
  });
}
