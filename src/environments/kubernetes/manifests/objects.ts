import type { KubeObject, OwnerReference } from "../../../kubernetes/objects.ts";
import type { RealtimeApi } from "../../../spec/api.ts";
import type { ClusterFeatures } from "../features.ts";
import type { RevisionRecord } from "../revision-record.ts";
import { deploymentOf } from "./deployment.ts";
import { disruptionBudgetOf, podMonitorOf, serviceAccountOf, serviceOf } from "./network.ts";
import { routeObjects, splitterObjects, type Unavailable } from "./route.ts";
import { scalingObjects } from "./scaling.ts";

export interface ObjectsInput {
  readonly namespace: string;
  /** Values of `env` in its spec are hashes; the values themselves are in a Secret. */
  readonly record: RevisionRecord;
  readonly features: ClusterFeatures;
  /** The anchor; undefined only for a dry run of something new. */
  readonly owner: OwnerReference | undefined;
  /** Undefined: `replicas` is left out, since an autoscaler owns it. */
  readonly replicas: number | undefined;
  /**
   * Whether the Secret `nameOf.variables(api, record.id)` exists. Of a handler its keys are names of variables, of containers
   * `<container>.<name>`.
   */
  readonly hasVariables: boolean;
  readonly hasPullSecret: boolean;
  readonly refreshedAt?: string;
  /** No replica ever started: where the gateway can, it says so by itself. */
  readonly unavailable?: Unavailable;
}

export interface ApiObjects {
  /** In the order in which they should be applied. */
  readonly objects: readonly KubeObject[];
  /** What this cluster does otherwise than the spec says. */
  readonly notices: readonly string[];
}

/**
 * The objects that make an API run, but for the anchor, ControllerRevisions and Secrets. Every field stands as the API server
 * gives it back, so that a field which differs there was changed by somebody.
 */
export function objectsOf(input: ObjectsInput): ApiObjects {
  const { record, features } = input;
  const { spec } = record;
  const gateway = features.gateway;
  const noGateway = gateway ? [] : ["the cluster has no Gateway: the API is reached through the API server only"];
  if (spec.kind === "TrafficSplitter") {
    return { objects: gateway ? splitterObjects(spec, { ...input, gateway }) : [], notices: noGateway };
  }
  if (spec.kind !== "RealtimeAPI") throw new Error(`${spec.kind} has no objects`);
  const scaled = scalingObjects(spec, input);
  return {
    objects: [
      ...workloadObjects(spec, input),
      ...scaled.objects,
      ...(gateway ? routeObjects(spec, { ...input, gateway }) : []),
    ],
    notices: [...noGateway, ...scaled.notices],
  };
}

function workloadObjects(api: RealtimeApi, input: ObjectsInput): readonly KubeObject[] {
  return [
    serviceAccountOf(input),
    serviceOf(api, input),
    disruptionBudgetOf(api, input),
    deploymentOf(api, input),
    ...(input.features.hasPodMonitor ? [podMonitorOf(api, input)] : []),
  ];
}
