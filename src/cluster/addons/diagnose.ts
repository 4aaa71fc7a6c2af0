import type { KubeObject } from "../../kubernetes/objects.ts";
import { type ApiService, type Condition, conditionOf, isAvailable, isTrue, type Workload } from "./facts.ts";

export interface Pod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly restartCount: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
  };
  readonly lastState?: {
    readonly terminated?: { readonly reason?: string; readonly exitCode?: number };
  };
}

export interface Job extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** What an add-on's own objects look like now. */
export interface AddonState {
  readonly workloads: readonly Workload[];
  readonly jobs: readonly Job[];
  readonly apiServices: readonly ApiService[];
  /** Of its workloads and jobs. */
  readonly pods: readonly Pod[];
}

export interface Diagnosis {
  readonly isReady: boolean;
  /** What it waits for, in a few words. */
  readonly detail: string;
  /** Why it will not become ready by itself. */
  readonly failure?: {
    readonly message: string;
    readonly hint: string;
    readonly isCapacity?: true;
    readonly pod?: Pod;
  };
}

/** Programs that make their own certificates restart once or twice; this often nothing normal does. */
const manyRestarts = 4;

export function diagnose({ workloads, jobs, apiServices, pods }: AddonState): Diagnosis {
  const waiting = workloads.filter((one) => !isAvailable(one));
  const failedJob = jobs.find((one) => isTrue(one, "Failed"));
  const failure =
    pods.map(podFailure).find((one) => one !== undefined) ??
    waiting.map(creationFailure).find((one) => one !== undefined) ??
    (failedJob && jobFailure(failedJob));
  if (failure) return { isReady: false, detail: failure.message, failure };
  if (waiting.length > 0) {
    const [first] = waiting;
    const stuck = pods.map(podDetail).find((one) => one !== undefined);
    return { isReady: false, detail: stuck ?? `${first!.metadata.name} starts` };
  }
  const api = apiServices.find((one) => !isTrue(one, "Available"));
  if (api)
    return {
      isReady: false,
      detail: `${api.metadata.name}: ${conditionOf(api, "Available")?.message ?? "not available"}`,
    };
  return { isReady: workloads.length > 0, detail: workloads.length > 0 ? "" : "nothing runs yet" };
}

type Failure = NonNullable<Diagnosis["failure"]>;

function podFailure(pod: Pod): Failure | undefined {
  for (const container of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const { reason = "", message = "" } = container.state?.waiting ?? {};
    const where = `pod ${pod.metadata.namespace}/${pod.metadata.name}`;
    if (["ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"].includes(reason)) {
      return {
        message: `${where} cannot pull its image: ${message || reason}`,
        hint: "let the nodes reach its registry, or mirror the image and change its name in a folder for --addons-dir",
      };
    }
    if (reason === "CrashLoopBackOff" && container.restartCount >= manyRestarts) {
      const last = container.lastState?.terminated;
      const how = last?.reason === "OOMKilled" ? "out of memory" : `exit status ${last?.exitCode ?? "unknown"}`;
      return {
        message: `container ${container.name} of ${where} ends again and again (${how})`,
        hint: `kubectl -n ${pod.metadata.namespace} logs ${pod.metadata.name} -c ${container.name} --previous`,
        pod,
      };
    }
  }
  return undefined;
}

/** No pod could be made: a quota, an admission webhook, Pod Security. */
function creationFailure(workload: Workload): Failure | undefined {
  const condition = conditionOf(workload, "ReplicaFailure");
  if (condition?.status !== "True") return undefined;
  const { namespace, name } = workload.metadata;
  const message = condition.message ?? condition.reason ?? "";
  const isQuota = /exceeded quota/.test(message);
  return {
    message: `no pod of ${namespace}/${name} could be made: ${message}`,
    hint: isQuota ? `raise the quota of namespace ${namespace}` : `let namespace ${namespace} admit it`,
    ...(isQuota && { isCapacity: true as const }),
  };
}

function jobFailure(job: Job): Failure {
  const { namespace, name } = job.metadata;
  return {
    message: `job ${namespace}/${name} failed: ${conditionOf(job, "Failed")?.message ?? ""}`,
    hint: `kubectl -n ${namespace} logs job/${name}`,
  };
}

function podDetail(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False")
    return `${pod.metadata.name} is not scheduled: ${scheduled.message ?? scheduled.reason}`;
  const waiting = [...(pod.status?.containerStatuses ?? [])].find((one) => one.state?.waiting)?.state?.waiting;
  return waiting?.reason ? `${pod.metadata.name}: ${waiting.reason}` : undefined;
}
