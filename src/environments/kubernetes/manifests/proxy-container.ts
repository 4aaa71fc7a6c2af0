import type { RealtimeApi } from "../../../spec/api.ts";
import { port } from "../names.ts";
import { drainPath, type ProxyOptions, proxyConfig } from "./proxy-config.ts";
import { ending } from "./timing.ts";

export const proxyImage = "docker.io/envoyproxy/envoy:v1.40.0";

/** Seconds that the runtime, and users' own servers, leave idle connections open: at least these. */
const idle = { handlerS: 600, containerS: 1 } as const;

/**
 * Kubelet's pre-stop hook of all containers but the sidecar, which answers when the replica is drained.
 * @param preStop the container, when it has an HTTP hook of its own
 */
export const drainHook = (preStop?: string): object => ({
  preStop: { httpGet: { path: drainPath(preStop), port: port.proxyAdmin, scheme: "HTTP" } },
});

/** Ports on loopback where the processes of a handler listen. */
export function handlerPorts(api: RealtimeApi): {
  readonly listen: readonly number[];
  readonly admin: readonly number[];
} {
  const processes = Array.from({ length: api.handler?.processes_per_replica ?? 0 }, (_, index) => index);
  const first = api.pod.port ?? port.handler;
  return {
    listen: processes.map((index) => first + index),
    admin: processes.map((index) => port.handlerAdmin + index),
  };
}

/** @returns a port that the API would listen on and the sidecar needs; undefined when there is none */
export function portClash(api: RealtimeApi): number | undefined {
  const { listen, admin } = handlerPorts(api);
  const taken = new Set<number>([port.proxy, port.proxyAdmin, ...admin]);
  return [...listen, ...(api.pod.port === null ? [] : [api.pod.port])].find((one) => taken.has(one));
}

export function proxyContainer(api: RealtimeApi, namespace: string): object {
  const containers = api.pod.containers;
  const isChecked = containers?.some((one) => one.readiness_probe) ?? true;
  return {
    name: "proxy",
    image: proxyImage,
    imagePullPolicy: "IfNotPresent",
    restartPolicy: "Always",
    command: ["envoy"],
    args: [
      "--config-yaml",
      JSON.stringify(proxyConfig(proxyOptions(api, namespace))),
      ...["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warn", "--drain-strategy", "immediate"],
    ],
    ports: [
      { name: "http", containerPort: port.proxy, protocol: "TCP" },
      { name: "proxy-metrics", containerPort: port.proxyAdmin, protocol: "TCP" },
    ],
    readinessProbe: { ...(isChecked ? isUp : accepts(api.pod.port!)), ...oftenEnough },
    resources: {
      requests: { cpu: "20m", memory: "48Mi" },
      limits: { memory: "256Mi" },
    },
    securityContext: { ...restricted, runAsNonRoot: true, runAsUser: proxyUser, runAsGroup: proxyUser },
  };
}

const proxyUser = 1000;

const oftenEnough = { timeoutSeconds: 5, periodSeconds: 1, successThreshold: 1, failureThreshold: 3 };
const isUp = { httpGet: { path: "/ready", port: port.proxyAdmin, scheme: "HTTP" } };

/** Users' containers of which none says when it is ready are so when their port is open. */
const accepts = (at: number) => ({ tcpSocket: { port: at } });

export const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

function proxyOptions(api: RealtimeApi, namespace: string): ProxyOptions {
  const ports = handlerPorts(api);
  return {
    api: api.name,
    namespace,
    upstreamPorts: api.handler ? ports.listen : [api.pod.port!],
    maxConcurrency: api.pod.max_concurrency,
    maxQueueLength: api.pod.max_queue_length,
    idleTimeoutS: api.handler ? idle.handlerS : idle.containerS,
    handlerAdminPorts: ports.admin,
    preStop: (api.pod.containers ?? []).flatMap(({ name, pre_stop }) =>
      pre_stop?.http_get ? [{ name, ...pre_stop.http_get }] : [],
    ),
    lameDuckMs: ending.lameDuckMs,
    drainMs: ending.drainMs,
  };
}
