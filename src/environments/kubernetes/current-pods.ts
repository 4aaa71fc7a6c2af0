import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeError } from "../../kubernetes/kube-error.ts";
import { resource } from "../../kubernetes/objects.ts";
import type { Deployment, Pod } from "./shapes.ts";

/** Where the controller of Deployments counts their templates, on Deployments and ReplicaSets alike. */
const templateCount = "deployment.kubernetes.io/revision";

/**
 * Whether `pod` was made from the Deployment's present template. One that somebody edited by hand, or an earlier try, has made
 * may bear the same labels and be in trouble; it is replaced, and its trouble is not that of what is rolled out now.
 * @returns true also where it cannot be known: trouble that may be ours is better told than waited out
 */
export async function isOfPresentTemplate(
  client: KubeClient,
  pod: Pod,
  deployment: Deployment | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const owner = pod.metadata.ownerReferences?.find(({ kind }) => kind === "ReplicaSet");
  const present = deployment?.metadata.annotations?.[templateCount];
  if (!owner || present === undefined) return true;
  try {
    const replicaSet = await client.get(resource.replicaSet, pod.metadata.namespace, owner.name, signal);
    return replicaSet === undefined || replicaSet.metadata.annotations?.[templateCount] === present;
  } catch (error) {
    if ((error as KubeError).status === 403) return true;
    throw error;
  }
}
