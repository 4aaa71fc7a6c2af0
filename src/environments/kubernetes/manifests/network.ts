import type { RealtimeApi } from "../../../spec/api.ts";
import { port } from "../names.ts";
import { type Manifest, metadataOf, type Owned, podSelector } from "./metadata.ts";

export function serviceOf(api: RealtimeApi, owned: Owned): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadataOf(owned),
    spec: {
      type: "ClusterIP",
      selector: podSelector(api.name),
      ports: [{ name: "http", port: port.service, protocol: "TCP", targetPort: port.proxy }],
    },
  };
}

/** Pods speak to no API server. */
export function serviceAccountOf(owned: Owned): Manifest {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadataOf(owned),
    automountServiceAccountToken: false,
  };
}

/** A share is rounded up, so that one replica alone can leave its node too; what is not ready never holds up a drain. */
export function disruptionBudgetOf(api: RealtimeApi, owned: Owned): Manifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadataOf(owned),
    spec: {
      maxUnavailable: "25%",
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: podSelector(api.name) },
    },
  };
}

/** For the Prometheus operator, which knows no annotations. */
export function podMonitorOf(api: RealtimeApi, owned: Owned): Manifest {
  const handlers = Array.from({ length: api.handler?.processes_per_replica ?? 0 }, (_, index) => index);
  const endpoint = (path: string) => ({ port: "proxy-metrics", path });
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PodMonitor",
    metadata: metadataOf(owned),
    spec: {
      selector: { matchLabels: podSelector(api.name) },
      podMetricsEndpoints: [
        { ...endpoint("/stats/prometheus"), interval: "5s" },
        ...handlers.map((index) => endpoint(`/handler/${index}/metrics`)),
      ],
    },
  };
}
