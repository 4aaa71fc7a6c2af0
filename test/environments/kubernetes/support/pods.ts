import type { KubeClient } from "../../../../src/kubernetes/kube-client.ts";
import { type KubeObject, resource } from "../../../../src/kubernetes/objects.ts";

const image = "docker.io/library/python:3.11-slim";

export interface SomePod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export const isRunning = ({ status }: SomePod) => status?.phase === "Running";
export const isReady = ({ status }: SomePod) =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;

/** A pod as one of the API `iris` would be, that runs `script`; ready at once. */
export function irisPod(namespace: string, name: string, script: string, ...args: readonly string[]) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: {
        "app.kubernetes.io/managed-by": "cortex",
        "app.kubernetes.io/name": "iris",
        "cortex.dev/revision": "3",
      },
    },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: "api", image, command: ["python3", "-c", script, ...args] }],
    },
  };
}

/** The same pod, ready when it listens where the sidecar would. */
export function servingPod(namespace: string, name: string, script: string) {
  const pod = irisPod(namespace, name, script);
  const readinessProbe = { tcpSocket: { port: 8500 }, periodSeconds: 1, failureThreshold: 60 };
  return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map((one) => ({ ...one, readinessProbe })) } };
}

export async function untilPods(
  client: KubeClient,
  namespace: string,
  isEnough: (pods: readonly SomePod[]) => boolean,
  timeoutMs = 120_000,
): Promise<void> {
  const pods = new Map<string, SomePod>();
  for await (const event of client.watch<SomePod>(resource.pod, { namespace }, AbortSignal.timeout(timeoutMs))) {
    if (event.type === "listed") for (const one of event.items) pods.set(one.metadata.name, one);
    else if (event.type === "deleted") pods.delete(event.object.metadata.name);
    else pods.set(event.object.metadata.name, event.object);
    if (isEnough([...pods.values()])) return;
  }
}
