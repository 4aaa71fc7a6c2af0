import type { Drift } from "../../core/environment.ts";
import { type ResourceType, resource } from "../../kubernetes/objects.ts";
import type { Anchor } from "./anchor.ts";
import { templateRevision } from "./api-states.ts";
import { ownerOf } from "./change-api.ts";
import { driftOf } from "./drift.ts";
import { objectsOf } from "./manifests/objects.ts";
import type { FullSnapshot } from "./snapshot.ts";

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
