import type { KubeObject } from "../../../kubernetes/objects.ts";
import { label } from "../names.ts";

interface ContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly containerID?: string;
  readonly state?: { readonly running?: object; readonly terminated?: { readonly containerID?: string } };
  readonly lastState?: { readonly terminated?: { readonly containerID?: string } };
}

export interface LoggedPod extends KubeObject {
  readonly spec: {
    readonly containers: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** One container of one pod. */
export interface LogSource {
  readonly pod: string;
  readonly uid: string;
  readonly container: string;
  /** As lines name it: the pod, and where several containers are the user's, which one. */
  readonly replica: string;
  readonly revision: number;
  /** Whether it is the sidecar, of whose lines errors count only. */
  readonly isProxy: boolean;
}

/** What a container does, as far as its log is concerned. */
export interface SourceState {
  /** Of its run that is now or was last; undefined before the first. */
  readonly run: string | undefined;
  readonly isRunning: boolean;
  /** Of the run before that. */
  readonly previousRun: string | undefined;
}

export function sourcesOf(pod: LoggedPod): LogSource[] {
  const { containers, initContainers = [] } = pod.spec;
  const base = {
    pod: pod.metadata.name,
    uid: pod.metadata.uid ?? "",
    revision: Number(pod.metadata.labels?.[label.revision] ?? 0),
  };
  const users = containers.map(({ name }) => ({
    ...base,
    container: name,
    replica: containers.length === 1 ? base.pod : `${base.pod}/${name}`,
    isProxy: false,
  }));
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...users, ...sidecars.map(({ name }) => ({ ...base, container: name, replica: base.pod, isProxy: true }))];
}

export function stateOf(pod: LoggedPod, container: string): SourceState {
  const status = statusOf(pod, container);
  const terminated = status?.state?.terminated;
  const last = status?.lastState?.terminated?.containerID;
  // One that waits for its next start still has the log of the run that ended.
  const run = status?.state?.running || terminated ? status?.containerID || terminated?.containerID : last;
  return { run, isRunning: status?.state?.running !== undefined, previousRun: run === last ? undefined : last };
}

/** Whether there is a log of a run that is over: of a pod that ended, or a container that was started again. */
export function hasPreviousRun(pod: LoggedPod, container: string): "ended" | "restarted" | undefined {
  if (isOver(pod)) return "ended";
  return (statusOf(pod, container)?.restartCount ?? 0) > 0 ? "restarted" : undefined;
}

export function isOver({ status }: LoggedPod): boolean {
  return status?.phase === "Failed" || status?.phase === "Succeeded";
}

function statusOf({ status }: LoggedPod, container: string): ContainerStatus | undefined {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return all.find(({ name }) => name === container);
}

/** @param wanted a pod's name, or the end of the one pod's that ends so */
export function isReplica(pod: string, wanted: string, all: readonly string[]): boolean {
  if (pod === wanted) return true;
  if (all.includes(wanted) || !pod.endsWith(wanted)) return false;
  return all.filter((one) => one.endsWith(wanted)).length === 1;
}

/** Envoy's own words for what went wrong; all else it says is of no use to whoever wrote the API. */
export function isProxyError(text: string): boolean {
  return /\]\[(error|critical)\]/.test(text);
}
