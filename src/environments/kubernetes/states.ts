import type { ApiMetrics, ApiState } from "../../core/environment.ts";
import type { Anchor } from "./anchor.ts";
import { apiState } from "./api-states.ts";
import { autoscalerView } from "./metrics/autoscaler-view.ts";
import { endpointUrl, type Snapshot } from "./snapshot.ts";

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
