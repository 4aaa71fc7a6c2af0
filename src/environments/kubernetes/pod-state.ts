import type { ReplicaPhase, ReplicaState } from "../../core/environment.ts";
import { label } from "./names.ts";
import { type Condition, type ContainerStatus, type KubeEvent, type Pod, timeOf } from "./shapes.ts";

/** What one pod does, in the words of replicas. @param events of that pod, as far as they are known; they tell of image pulls */
export function replicaState(pod: Pod, events: readonly KubeEvent[] = []): ReplicaState {
  const { phase, since, reason } = phaseOf(pod, events);
  const trouble = reason ?? (phase === "ready" ? undefined : troubleOf(pod)?.reason);
  return {
    id: pod.metadata.name,
    revision: revisionOf(pod),
    phase,
    since,
    restarts: Math.max(0, ...containersOf(pod).map(({ restartCount }) => restartCount)),
    ...(trouble !== undefined && { reason: trouble }),
    ...(containersOf(pod).some(endedByMemory) && phase !== "ready" && { outOfMemory: true }),
  };
}

export function revisionOf(pod: Pod): number {
  return Number(pod.metadata.labels?.[label.revision] ?? 0);
}

/** Whether the pod takes requests. */
export function isReady(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && condition(pod, "Ready")?.status === "True";
}

export function condition(pod: Pod, type: string): Condition | undefined {
  return pod.status?.conditions?.find((one) => one.type === type);
}

/** Statuses of the user's containers and of the sidecar. */
export function containersOf(pod: Pod): readonly ContainerStatus[] {
  return [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
}

export function endedByMemory({ state, lastState }: ContainerStatus): boolean {
  return (state?.terminated ?? lastState?.terminated)?.reason === "OOMKilled";
}

interface PhaseSince {
  readonly phase: ReplicaPhase;
  readonly since: number;
  readonly reason?: string;
}

function phaseOf(pod: Pod, events: readonly KubeEvent[]): PhaseSince {
  const created = timeOf(pod.metadata.creationTimestamp);
  const { deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) return { phase: "draining", since: timeOf(deletionTimestamp) };
  const { phase, reason, message } = pod.status ?? {};
  if (phase === "Failed") return { phase: "failed", since: created, reason: message ?? reason ?? "it failed" };
  const ready = condition(pod, "Ready");
  if (ready?.status === "True") return { phase: "ready", since: timeOf(ready.lastTransitionTime) };
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status !== "True") {
    return { phase: "scheduling", since: created, ...(scheduled?.message && { reason: scheduled.message }) };
  }
  const statuses = pod.status?.containerStatuses ?? [];
  const waiting = containersOf(pod).find(({ state }) => isTrouble(state?.waiting?.reason));
  const ended = statuses.find(({ state }) => state?.terminated !== undefined && state.terminated.exitCode !== 0);
  if (waiting ?? ended) return { phase: "failed", since: timeOf(scheduled.lastTransitionTime) };
  const running = statuses.find(({ state }) => state?.running);
  if (running) return { phase: "loading", since: timeOf(running.state?.running?.startedAt) };
  const pulling = events.filter(({ reason: what }) => what === "Pulling").length;
  const pulled = events.filter(({ reason: what }) => what === "Pulled").length;
  return {
    phase: pulling > 0 && pulled < pulling ? "pulling image" : "starting",
    since: timeOf(scheduled.lastTransitionTime),
  };
}

const troubles: ReadonlySet<string> = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "StartError",
]);

function isTrouble(reason: string | undefined): boolean {
  return reason !== undefined && troubles.has(reason);
}

/** What is wrong with a pod that is not ready. */
export interface PodTrouble {
  readonly kind: "image" | "crash" | "memory" | "container" | "evicted";
  readonly container: string;
  /** In words. */
  readonly reason: string;
  /** What the container itself left as its last words. */
  readonly words?: string;
  /** Whether the last run ended before this one; its log is then the previous one. */
  readonly isPrevious: boolean;
  readonly restarts: number;
  readonly exitCode?: number;
}

/** @returns the worst that the containers of `pod` show; undefined when nothing is wrong that its pod tells of */
export function troubleOf(pod: Pod): PodTrouble | undefined {
  if (pod.status?.phase === "Failed") {
    const reason = [pod.status.reason, pod.status.message].filter(Boolean).join(": ") || "the pod failed";
    return { kind: "evicted", container: "", reason, isPrevious: false, restarts: 0 };
  }
  for (const status of containersOf(pod)) {
    const trouble = containerTrouble(pod, status);
    if (trouble) return trouble;
  }
  return undefined;
}

function containerTrouble(pod: Pod, status: ContainerStatus): PodTrouble | undefined {
  const { name, state, lastState, restartCount: restarts } = status;
  const waiting = state?.waiting;
  const spec = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((one) => one.name === name);
  if (waiting?.reason && /Image/.test(waiting.reason)) {
    const reason = `its image cannot be pulled: ${waiting.message ?? waiting.reason} (${spec?.image ?? name})`;
    return { kind: "image", container: name, reason, isPrevious: false, restarts };
  }
  const terminated = state?.terminated ?? (state?.running ? undefined : lastState?.terminated);
  if (terminated && (terminated.exitCode !== 0 || terminated.reason === "OOMKilled" || restarts > 0)) {
    const isMemory = terminated.reason === "OOMKilled";
    const limit = spec?.resources?.limits?.memory;
    const reason = isMemory
      ? `out of memory: container ${name} used up its limit${limit === undefined ? "" : ` of ${limit}`}`
      : `container ${name} ended with ${exitWords(terminated.exitCode)}`;
    return {
      kind: isMemory ? "memory" : "crash",
      container: name,
      reason,
      isPrevious: state?.terminated === undefined,
      restarts,
      exitCode: terminated.exitCode,
      ...(terminated.message && { words: terminated.message }),
    };
  }
  if (waiting?.reason && isTrouble(waiting.reason)) {
    const reason = `container ${name} cannot be started: ${waiting.message ?? waiting.reason}`;
    return { kind: "container", container: name, reason, isPrevious: false, restarts };
  }
  return undefined;
}

const signals: Readonly<Record<number, string>> = { 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM" };

function exitWords(code: number): string {
  const signal = code > 128 ? signals[code - 128] : undefined;
  return signal === undefined ? `exit status ${code}` : `exit status ${code} (${signal})`;
}
