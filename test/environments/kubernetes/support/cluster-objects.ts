import type { Anchor } from "../../../../src/environments/kubernetes/anchor.ts";
import { label } from "../../../../src/environments/kubernetes/names.ts";
import type { RevisionRecord } from "../../../../src/environments/kubernetes/revision-record.ts";
import type {
  Condition,
  ContainerStatus,
  Deployment,
  HttpRoute,
  KubeEvent,
  Pod,
} from "../../../../src/environments/kubernetes/shapes.ts";
import { now, realtimeApi } from "../../../cli/support/states.ts";

export { now };

const at = (ms: number) => new Date(ms).toISOString();

export function record(number: number, changes: Partial<RevisionRecord> = {}): RevisionRecord {
  return {
    number,
    id: `${number}${"a".repeat(15)}`,
    project: "b".repeat(64),
    spec: realtimeApi(),
    image: `registry.example.com/cortex@sha256:${"c".repeat(64)}`,
    hasVariables: false,
    hasPullSecret: false,
    createdAt: at(now - 60_000),
    createdBy: "ada@laptop",
    writtenBy: "1.0.0",
    ...changes,
  };
}

export function anchor(number: number, changes: Partial<Anchor> = {}): Anchor {
  return {
    name: "iris",
    uid: "uid-1",
    resourceVersion: "7",
    isBeingDeleted: false,
    record: record(number),
    serving: undefined,
    rollout: { startedAt: at(now - 5_000), deadline: at(now + 900_000), by: "ada@laptop" },
    failure: undefined,
    refreshedAt: undefined,
    ...changes,
  };
}

export interface DeploymentFacts {
  readonly revision: number;
  readonly wanted?: number;
  readonly updated?: number;
  readonly all?: number;
  readonly available?: number;
  readonly conditions?: readonly Condition[];
  readonly observed?: number;
}

/** All its replicas are there unless something else is said. */
export function deployment({ revision, wanted = 1, ...facts }: DeploymentFacts): Deployment {
  const { updated = wanted, all = updated, available = updated, observed = 3, conditions = [] } = facts;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "iris", generation: 3 },
    spec: { replicas: wanted, template: { metadata: { name: "", labels: { [label.revision]: String(revision) } } } },
    status: {
      observedGeneration: observed,
      replicas: all,
      updatedReplicas: updated,
      availableReplicas: available,
      conditions,
    },
  };
}

export interface PodFacts {
  readonly name?: string;
  readonly revision: number;
  readonly ageMs?: number;
  readonly isReady?: boolean;
  readonly isEnding?: boolean;
  readonly scheduled?: Condition;
  readonly containers?: readonly ContainerStatus[];
  readonly memoryLimit?: string;
}

export function pod({ name = "iris-a", revision, ageMs = 3_000, ...facts }: PodFacts): Pod {
  const scheduled = facts.scheduled ?? { type: "PodScheduled", status: "True", lastTransitionTime: at(now - ageMs) };
  const ready: Condition = {
    type: "Ready",
    status: facts.isReady ? "True" : "False",
    lastTransitionTime: at(now - 1_000),
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "models",
      uid: `uid-${name}`,
      creationTimestamp: at(now - ageMs),
      labels: { [label.name]: "iris", [label.revision]: String(revision) },
      ...(facts.isEnding && { deletionTimestamp: at(now - 500) }),
    },
    spec: {
      containers: [
        {
          name: "api",
          image: "registry.example.com/cortex",
          ...(facts.memoryLimit !== undefined && { resources: { limits: { memory: facts.memoryLimit } } }),
        },
      ],
    },
    status: { phase: "Running", conditions: [scheduled, ready], containerStatuses: facts.containers ?? [] },
  };
}

export function container(changes: Partial<ContainerStatus> = {}): ContainerStatus {
  return { name: "api", ready: false, restartCount: 0, ...changes };
}

export function podEvent(of: Pod, reason: string, message = ""): KubeEvent {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${of.metadata.name}.${reason}` },
    involvedObject: { kind: "Pod", name: of.metadata.name, uid: of.metadata.uid! },
    reason,
    message,
  };
}

export function route(...conditions: readonly Condition[]): HttpRoute {
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "iris", generation: 1 },
    status: { parents: [{ conditions }] },
  };
}
