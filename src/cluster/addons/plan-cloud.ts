import { type AddonPlan, type CloudAddonName, type CloudSettings, cloudAddonNames } from "../../core/cluster.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import { autoscalerObjects, autoscalerVersion } from "./cloud/autoscaler.ts";
import { neuronObjects, neuronVersion, nvidiaObjects, nvidiaVersion } from "./cloud/devices.ts";
import { fluentBitObjects, fluentBitVersion } from "./cloud/fluent-bit.ts";
import { storageClassName, storageObjects } from "./cloud/storage.ts";
import { type ClusterFacts, isAvailable, serves, type Workload } from "./facts.ts";
import { oursOf } from "./found.ts";
import { appliedAnnotation, labelled, objectKey } from "./manifest.ts";

/** What a cluster of a cloud should have of an add-on, without labels. Empty: no node of it needs it. */
export function cloudObjects(
  name: CloudAddonName,
  cloud: CloudSettings,
  storageClasses: readonly KubeObject[],
): readonly KubeObject[] {
  if (name === "cluster-autoscaler") return autoscalerObjects(cloud);
  if (name === "fluent-bit") return fluentBitObjects(cloud);
  if (name === "nvidia-device-plugin") return nvidiaObjects(cloud);
  if (name === "neuron-device-plugin") return neuronObjects(cloud);
  return storageObjects(cloud, storageClasses);
}

export function cloudVersion(name: CloudAddonName, { kubernetesVersion }: CloudSettings): string {
  if (name === "cluster-autoscaler") return autoscalerVersion(kubernetesVersion);
  if (name === "fluent-bit") return fluentBitVersion;
  if (name === "nvidia-device-plugin") return nvidiaVersion;
  return name === "neuron-device-plugin" ? neuronVersion : storageClassName;
}

/**
 * Of our own manifests, so that nothing is downloaded and nothing is written down: what is there is told by the hashes on the
 * objects themselves. Nothing for a cluster in no cloud.
 */
export function planCloud(
  cloud: CloudSettings | undefined,
  skip: readonly string[],
  facts: ClusterFacts,
): readonly AddonPlan[] {
  if (!cloud) return [];
  return cloudAddonNames.flatMap((name): readonly AddonPlan[] => {
    const version = cloudVersion(name, cloud);
    const there = oursOf(facts, name);
    const wanted = labelled(cloudObjects(name, cloud, facts.storageClasses), name);
    if (wanted.length === 0 && there.length === 0) return [];
    const base = { name, version, notes: [], objects: [], isAwaited: false };
    if (skip.includes(name)) return [{ ...base, action: "skip", notes: ["left out with --skip"] }];
    return [{ ...base, ...planOne(wanted, there) }];
  });
}

function planOne(
  wanted: readonly KubeObject[],
  there: readonly KubeObject[],
): Pick<AddonPlan, "action" | "objects" | "surplus" | "isAwaited"> {
  const keys = new Set(wanted.map(objectKey));
  const surplus = there.filter((one) => !keys.has(objectKey(one)));
  if (wanted.length === 0) return { action: "remove", objects: [], surplus, isAwaited: false };
  const applied = new Map(there.map((one) => [objectKey(one), one] as const));
  const objects = wanted.filter((one) => {
    const found = applied.get(objectKey(one));
    return !found || hashOn(found) !== hashOn(one) || isIll(found);
  });
  const isNew = there.length === 0;
  const isSame = objects.length === 0 && surplus.length === 0;
  const action = isNew ? "install" : isSame ? "keep" : "update";
  return { action, objects, surplus, isAwaited: objects.length > 0 };
}

function hashOn({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[appliedAnnotation];
}

/** Of a program that does not run, somebody may have changed what its hash does not tell. On a node that starts none runs yet. */
function isIll(object: KubeObject): boolean {
  if (object.kind === "DaemonSet") return !serves(object as Workload);
  return object.kind === "Deployment" && !isAvailable(object as Workload);
}
