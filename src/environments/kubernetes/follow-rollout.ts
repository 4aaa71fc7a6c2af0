import { setTimeout as delay } from "node:timers/promises";
import type { ReplicaPhase, RolloutEvent } from "../../core/environment.ts";
import { readAnchor } from "./anchor.ts";
import { judge, type RolloutView, type RolloutWanted, routeRefusal, type Verdict } from "./judge.ts";
import { eventsByPod, type NamespaceWatch, podsOf } from "./namespace-watch.ts";
import { replicaState, revisionOf } from "./pod-state.ts";
import type { Deployment, Pod } from "./shapes.ts";

export interface FollowOptions {
  readonly watch: NamespaceWatch;
  readonly wanted: RolloutWanted;
  readonly needsRoute: boolean;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  now(): number;
  /** Whether a pod in trouble is one of those that are rolled out, see `isOfPresentTemplate`. */
  isPresent(pod: Pod, deployment: Deployment | undefined): Promise<boolean>;
}

/** How a rollout ended; `late` when its time was up first. */
export type Ending = Exclude<Verdict, { type: "waiting" }> | { readonly type: "late"; readonly detail: string };

/** Some verdicts depend on time alone. */
const lookAgainMs = 1_000;

const cutOff: Verdict = { type: "waiting", detail: "the API server does not answer" };

/** Yields what replicas do, and returns how it ended. */
export async function* followRollout(
  options: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<RolloutEvent, Ending> {
  const { watch, wanted, now, deadline } = options;
  const phases = new Map<string, ReplicaPhase>();
  const pods = podMemory(now);
  let wasSeen = false;
  let refusedSince: number | undefined;
  const stop = new AbortController();
  const changes = watch.changes(AbortSignal.any([signal, stop.signal]))[Symbol.asyncIterator]();
  let next = changes.next();
  try {
    for (;;) {
      const isChanged = await Promise.race([
        next.then(() => true),
        delay(Math.max(0, Math.min(lookAgainMs, deadline - now())), false, { signal, ref: true }),
      ]);
      if (isChanged) next = changes.next();
      const isCurrent = watch.isCurrent();
      // While nothing comes in, no patience is used up: what is waited for may have happened long ago.
      if (!isCurrent) pods.seenNow();
      const isRefused = isCurrent && routeRefusal(watch.view.routes.get(wanted.api)) !== undefined;
      refusedSince = isRefused ? (refusedSince ?? now()) : undefined;
      const view: RolloutView = { ...viewOf(options, wasSeen, pods), refusedSince };
      wasSeen ||= view.anchor?.record.number === wanted.revision;
      yield* replicaEvents(view, wanted.revision, phases, now());
      const verdict = isCurrent ? judge(view, wanted) : cutOff;
      const failed = verdict.type === "failed" ? verdict.failure.pod : undefined;
      if (failed && !(await options.isPresent(failed, view.deployment))) pods.forget(failed);
      else if (verdict.type !== "waiting") return verdict;
      if (now() >= deadline) return { type: "late", detail: waitingDetail(verdict) };
    }
  } finally {
    // What is waited for now ends with an error that nobody needs.
    next.catch(() => {});
    stop.abort();
  }
}

function waitingDetail(verdict: Verdict): string {
  return verdict.type === "waiting" ? verdict.detail : "it waits for replicas";
}

interface PodMemory {
  /** @returns the pods that count; those that had ended for good at the first look are of the past, and are kept by no controller */
  relevant(pods: readonly Pod[]): readonly Pod[];
  /** Patience with all of them begins anew. */
  seenNow(): void;
  /** From now on `pod` counts no more. */
  forget(pod: Pod): void;
  readonly seenAt: ReadonlyMap<string, number>;
}

function podMemory(now: () => number): PodMemory {
  const seenAt = new Map<string, number>();
  const uidOf = ({ metadata }: Pod) => metadata.uid ?? "";
  let past: Set<string> | undefined;
  return {
    seenAt,
    seenNow() {
      for (const uid of seenAt.keys()) seenAt.set(uid, now());
    },
    forget(pod) {
      past?.add(uidOf(pod));
    },
    relevant(pods) {
      past ??= new Set(pods.filter(({ status }) => status?.phase === "Failed").map(uidOf));
      for (const pod of pods) if (!seenAt.has(uidOf(pod))) seenAt.set(uidOf(pod), now());
      return pods.filter((pod) => !past!.has(uidOf(pod)));
    },
  };
}

function viewOf(
  { watch, wanted, needsRoute, now }: FollowOptions,
  wasSeen: boolean,
  { relevant, seenAt }: PodMemory,
): Omit<RolloutView, "refusedSince"> {
  const { view } = watch;
  const anchor = view.anchors.get(wanted.api);
  return {
    anchor: anchor && readAnchor(anchor),
    deployment: view.deployments.get(wanted.api),
    pods: relevant(podsOf(view, wanted.api)),
    seenAt,
    events: eventsByPod(view),
    route: view.routes.get(wanted.api),
    needsRoute,
    wasSeen,
    now: now(),
  };
}

/** @param phases what was told of each pod before; brought up to date */
function* replicaEvents(
  view: RolloutView,
  revision: number,
  phases: Map<string, ReplicaPhase>,
  at: number,
): Generator<RolloutEvent> {
  const pods = new Map(view.pods.filter((pod) => isTold(pod, revision, phases)).map((pod) => [pod.metadata.name, pod]));
  for (const [replica, pod] of pods) {
    const { phase, reason } = replicaState(pod, view.events.get(pod.metadata.uid ?? ""));
    if (phases.get(replica) === phase) continue;
    phases.set(replica, phase);
    yield { type: "replica", replica, phase, at, ...(reason !== undefined && { detail: reason }) };
  }
  for (const replica of phases.keys()) {
    if (pods.has(replica)) continue;
    phases.delete(replica);
    yield { type: "replica", replica, phase: "stopped", at };
  }
}

/** New ones, and old ones from when they are told to end. */
function isTold(pod: Pod, revision: number, phases: ReadonlyMap<string, ReplicaPhase>): boolean {
  if (phases.has(pod.metadata.name)) return true;
  const isOld = revisionOf(pod) !== revision;
  return isOld === (pod.metadata.deletionTimestamp !== undefined);
}
