import type { Autoscaling, RealtimeApi } from "../../../spec/api.ts";
import type { ClusterFeatures } from "../features.ts";
import { type Manifest, metadataOf, type Owned } from "./metadata.ts";
import { milliQuantity } from "./quantity.ts";

/** What decides how many replicas an API has: nothing where they cannot vary, in-flight through KEDA, else CPU. */
export type Scaler = "fixed" | "keda" | "cpu";

export function scalerOf({ min_replicas, max_replicas }: Autoscaling, features: ClusterFeatures): Scaler {
  if (min_replicas === max_replicas) return "fixed";
  return features.hasKeda && features.prometheusUrl ? "keda" : "cpu";
}

export interface ScalingInput extends Owned {
  readonly features: ClusterFeatures;
}

export interface Scaled {
  readonly objects: readonly Manifest[];
  readonly notices: readonly string[];
}

/** How often KEDA looks whether to wake an API, in seconds. Its HorizontalPodAutoscaler looks by itself. */
const lookS = 5;

const deploymentRef = (name: string) => ({ apiVersion: "apps/v1", kind: "Deployment", name });

export function scalingObjects(api: RealtimeApi, input: ScalingInput): Scaled {
  const scaler = scalerOf(api.autoscaling, input.features);
  if (scaler === "fixed") return { objects: [], notices: [] };
  const { behavior, notices } = behaviorOf(api.autoscaling, input.features.minorVersion);
  const ofZero = api.autoscaling.min_replicas === 0 ? [zeroNotice(scaler, input.features)] : [];
  if (scaler === "keda") return { objects: [scaledObject(api, behavior, input)], notices: [...ofZero, ...notices] };
  const missing = input.features.hasKeda ? "Prometheus" : "KEDA";
  return {
    objects: [cpuAutoscaler(api, behavior, input)],
    notices: [
      `autoscaling: the cluster has no ${missing}, so replicas follow CPU instead of requests in-flight; cortex cluster install brings it`,
      ...ofZero,
      ...notices,
    ],
  };
}

/** Running and waiting requests of all replicas, averaged over the window. */
export function inFlightQuery(api: string, namespace: string, windowMs: number): string {
  const now = `sum(envoy_http_downstream_rq_active{cortex_api="${api}",cortex_namespace="${namespace}",envoy_http_conn_manager_prefix="api"})`;
  return `avg_over_time(${now}[${windowMs / 1000}s:5s])`;
}

function scaledObject(api: RealtimeApi, behavior: object, input: ScalingInput): Manifest {
  const { autoscaling, name } = api;
  const sleeps = autoscaling.min_replicas === 0 && canWake(input.features);
  const idleS = Math.ceil(autoscaling.downscale_stabilization_period_ms / 1000);
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: metadataOf(input),
    spec: {
      scaleTargetRef: deploymentRef(name),
      minReplicaCount: sleeps ? 0 : Math.max(1, autoscaling.min_replicas),
      maxReplicaCount: autoscaling.max_replicas,
      pollingInterval: lookS,
      ...(sleeps && { cooldownPeriod: idleS, initialCooldownPeriod: idleS }),
      advanced: { horizontalPodAutoscalerConfig: { name, behavior } },
      triggers: [
        {
          name: "in-flight",
          type: "prometheus",
          metricType: "AverageValue",
          metadata: {
            serverAddress: input.features.prometheusUrl,
            query: inFlightQuery(name, input.namespace, autoscaling.window_ms),
            threshold: String(autoscaling.target_in_flight),
            // No answer is no zero while replicas run: it is a Prometheus that has just begun, and the autoscaler waits.
            ignoreNullValues: String(sleeps),
          },
        },
        ...(sleeps ? [wakingTrigger(input.features)] : []),
      ],
    },
  };
}

/** Only Envoy Gateway counts requests for which there is no replica in a way that is known here. */
const canWake = ({ gateway }: ClusterFeatures): boolean => gateway?.isEnvoyGateway === true;

/**
 * Wakes from zero what has no replica that could count: by the answers that the gateway gives in the place of replicas. It counts them
 * for all APIs together, so that all that sleep wake; those that nobody asks go back to sleep.
 */
function wakingTrigger({ gateway, prometheusUrl }: ClusterFeatures): object {
  const of = [
    `gateway_envoyproxy_io_owning_gateway_namespace="${gateway?.namespace}"`,
    `gateway_envoyproxy_io_owning_gateway_name="${gateway?.name}"`,
    'envoy_http_conn_manager_prefix=~"https?-.*"',
  ];
  return {
    name: "asleep",
    type: "prometheus",
    metricType: "AverageValue",
    metadata: {
      serverAddress: prometheusUrl,
      query: `sum(increase(envoy_http_rq_direct_response{${of.join()}}[30s])) or vector(0)`,
      // Never a reason for more than one replica.
      threshold: "1000000000",
    },
  };
}

function zeroNotice(scaler: Scaler, features: ClusterFeatures): string {
  if (scaler !== "keda" || !canWake(features)) {
    return "autoscaling.min_replicas: 0 needs KEDA, Prometheus and Envoy Gateway, which wakes an API; one replica is kept";
  }
  return "autoscaling.min_replicas: 0: requests are answered 503 from the first one until a replica is ready";
}

function cpuAutoscaler(api: RealtimeApi, behavior: object, input: ScalingInput): Manifest {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadataOf(input),
    spec: {
      scaleTargetRef: deploymentRef(api.name),
      minReplicas: Math.max(1, api.autoscaling.min_replicas),
      maxReplicas: api.autoscaling.max_replicas,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
      ],
      behavior,
    },
  };
}

/** Cortex looked every 10 s; a step is what it allowed at one look. */
const stepS = 10;
/** Kubernetes allows no longer memory. */
const longestS = 3600;
/** From this minor version on every server takes tolerances per direction. */
const toleranceFrom = 35;
/** Cortex's default, which most files leave as it is, and Kubernetes' own: neither is worth a word. */
const usual: readonly number[] = [0.05, 0.1];

function behaviorOf(spec: Autoscaling, minorVersion: number): { behavior: object; notices: readonly string[] } {
  const hasTolerance = minorVersion >= toleranceFrom;
  const up = spec.upscale_stabilization_period_ms / 1000;
  const down = spec.downscale_stabilization_period_ms / 1000;
  const notices = [
    ...(hasTolerance || [spec.upscale_tolerance, spec.downscale_tolerance].every((one) => usual.includes(one))
      ? []
      : [`autoscaling: tolerances other than 10% need Kubernetes 1.${toleranceFrom}; this is 1.${minorVersion}`]),
    ...(Math.max(up, down) > longestS ? ["autoscaling: Kubernetes looks back one hour at most to stabilize"] : []),
  ];
  const policies = (percent: number) => [
    { type: "Percent", value: percent, periodSeconds: stepS },
    { type: "Pods", value: 1, periodSeconds: stepS },
  ];
  const rules = (seconds: number, percent: number, tolerance: number) => ({
    stabilizationWindowSeconds: Math.min(longestS, Math.ceil(seconds)),
    selectPolicy: "Max",
    policies: policies(Math.max(1, percent)),
    ...(hasTolerance && { tolerance: milliQuantity(Math.round(tolerance * 1000)) }),
  });
  return {
    behavior: {
      scaleUp: rules(up, Math.round((spec.max_upscale_factor - 1) * 100), spec.upscale_tolerance),
      scaleDown: rules(down, Math.round((1 - spec.max_downscale_factor) * 100), spec.downscale_tolerance),
    },
    notices,
  };
}
