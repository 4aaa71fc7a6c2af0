export { clusterConfig, label, manager, ours } from "../../kubernetes/labels.ts";

export const annotation = {
  /** Id of the revision that an object was written for. */
  revisionId: "cortex.dev/revision-id",
  /** On pod templates and anchors: when a refresh was asked for, RFC 3339. */
  refreshedAt: "cortex.dev/refreshed-at",
  /** On anchors: number of the revision that was live last. */
  serving: "cortex.dev/serving",
  /** On anchors: who started the last rollout, when, and until when it may take. */
  rollout: "cortex.dev/rollout",
  /** On anchors: why the wanted revision is not live. */
  failure: "cortex.dev/failure",
} as const;

/**
 * Names of the objects of an API. Deployment, Service, HTTPRoute, PodDisruptionBudget, ServiceAccount, ScaledObject or
 * HorizontalPodAutoscaler and the anchor, a ConfigMap, are all called as the API is.
 */
export const nameOf = {
  controllerRevision: (api: string, revision: number) => `${api}-${revision}`,
  /** Values of `env` and `.env`; equal revisions share it. */
  variables: (api: string, revisionId: string) => `${api}-${revisionId}`,
  /** Credentials to pull the API's image. */
  pullSecret: (api: string) => `${api}-registry`,
} as const;

/** Ports inside a pod. Those of the sidecar lie where users' containers seldom listen; pod.port may be none of them. */
export const port = {
  /** Envoy, in front of the container; the Service's target. */
  proxy: 8500,
  /** Envoy's own /stats/prometheus and /ready, read-only. */
  proxyAdmin: 8501,
  /** A handler, on loopback, when `pod.port` names none. */
  handler: 8080,
  /** A handler's /healthz and /metrics for kubelet and Prometheus; process n listens on this + n. */
  handlerAdmin: 8510,
  /** The Service. */
  service: 80,
} as const;
