import type { PreStop, Probe } from "../../../spec/api.ts";

/** A probe as Kubernetes writes it back, which leaves zeros out. */
export function probeOf(probe: Probe): object {
  return {
    ...wayOf(probe),
    ...(probe.initial_delay_seconds > 0 && { initialDelaySeconds: probe.initial_delay_seconds }),
    timeoutSeconds: probe.timeout_seconds,
    periodSeconds: probe.period_seconds,
    successThreshold: probe.success_threshold,
    failureThreshold: probe.failure_threshold,
  };
}

/** Seconds after which a container that fails its liveness probe is ended, whatever it still works on. */
const stuckGraceS = 10;

/** Success once is all that Kubernetes allows here. */
export function livenessProbeOf(probe: Probe): object {
  return { ...probeOf({ ...probe, success_threshold: 1 }), terminationGracePeriodSeconds: stuckGraceS };
}

/** Tries so often that it never gives up: how long loading may take is for who deploys to say. */
const endlessly = 1_000_000;

/** Holds liveness back until the container is well for the first time: a model that takes long to load is not stuck. */
export function startupProbeOf(probe: Probe): object {
  return {
    ...probeOf({ ...probe, success_threshold: 1, failure_threshold: endlessly }),
    periodSeconds: probe.exec ? Math.min(probe.period_seconds, 5) : 1,
  };
}

export function wayOf(way: Probe | PreStop): object {
  if (way.http_get) return { httpGet: { path: way.http_get.path, port: way.http_get.port, scheme: "HTTP" } };
  if ("tcp_socket" in way && way.tcp_socket) return { tcpSocket: { port: way.tcp_socket.port } };
  return { exec: { command: way.exec?.command ?? [] } };
}
