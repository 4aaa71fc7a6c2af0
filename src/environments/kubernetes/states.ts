import type { ApiMetrics, ApiState, Drift } from "../../core/environment.ts";
import { type ResourceType, resource } from "../../kubernetes/objects.ts";
import type { Anchor } from "./anchor.ts";
import { apiState, templateRevision } from "./api-states.ts";
import { ownerOf } from "./change-api.ts";
import { driftOf } from "./drift.ts";
import { objectsOf } from "./manifests/objects.ts";
import { autoscalerView } from "./metrics/autoscaler-view.ts";
import { endpointUrl, type FullSnapshot, type Snapshot } from "./snapshot.ts";

export interface StateContext {
  readonly namespace: string;
  readonly metrics?: ReadonlyMap<string, ApiMetrics>;
  /** Why there are none. */
  readonly metricsProblem?: string;
}

/** @returns every API of the snapshot, by name */
export function statesOf(snapshot: Snapshot, context: StateContext): readonly ApiState[] {
  const names = [...snapshot.anchors.keys()].toSorted();
  return names.map((name) => stateOf(snapshot, snapshot.anchors.get(name)!, context));
}

function stateOf(snapshot: Snapshot, anchor: Anchor, { namespace, metrics, metricsProblem }: StateContext): ApiState {
  const { name, record } = anchor;
  const { spec } = record;
  const deployment = snapshot.deployments.get(name);
  const [hpa, scaledObject] = [snapshot.autoscalers.get(name), snapshot.scaledObjects.get(name)];
  return apiState({
    anchor,
    deployment,
    pods: snapshot.pods.get(name) ?? [],
    endpoint: endpointUrl(snapshot.entrance, spec.networking.endpoint),
    namespace,
    metrics: metrics?.get(name),
    autoscaler: autoscalerView(hpa, scaledObject, record, deployment?.spec.replicas),
    ...(metricsProblem !== undefined && { notices: [`no metrics: ${metricsProblem}`] }),
    ...(spec.kind === "TrafficSplitter" && {
      missingTargets: spec.apis.map((target) => target.name).filter((target) => !snapshot.anchors.has(target)),
    }),
  });
}

/**
 * What was changed by hand in the objects of one API; nothing while it is updating or has failed, for then others are to be there.
 * Where just a refresh failed, what was there before is.
 */
export function driftsOf(snapshot: FullSnapshot, namespace: string, name: string): readonly Drift[] {
  const anchor = snapshot.anchors.get(name);
  const deployment = snapshot.deployments.get(name);
  if (!anchor || anchor.isBeingDeleted) return [];
  if (anchor.failure && anchor.serving !== anchor.record.number) return [];
  if (deployment && templateRevision(deployment) !== anchor.record.number) return [];
  const { record, refreshedAt } = anchor;
  const { objects } = objectsOf({
    namespace,
    record,
    features: snapshot.features,
    owner: ownerOf(anchor),
    replicas: fixedReplicas(record.spec),
    hasVariables: record.hasVariables,
    hasPullSecret: record.hasPullSecret,
    ...(refreshedAt !== undefined && { refreshedAt }),
  });
  return objects.flatMap((object) => {
    const type = typeOf(snapshot, object.kind);
    return driftOf(object, type && snapshot.objects.get(type)?.get(name));
  });
}

/** @returns undefined where an autoscaler decides */
export function fixedReplicas(spec: Anchor["record"]["spec"]): number | undefined {
  if (!("autoscaling" in spec)) return undefined;
  const { min_replicas: min, max_replicas: max } = spec.autoscaling;
  return min === max ? min : undefined;
}

function typeOf({ objects }: FullSnapshot, kind: string): ResourceType | undefined {
  return [...objects.keys(), resource.deployment].find((type) => type.kind === kind);
}
