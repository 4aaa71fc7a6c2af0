import type { CloudSettings } from "../../../core/cluster.ts";
import type { KubeObject } from "../../../kubernetes/objects.ts";
import { objectsFor } from "./common.ts";

export const storageClassName = "cortex-gp3";
const defaultAnnotation = "storageclass.kubernetes.io/is-default-class";

/**
 * Encrypted disks of EBS, in the zone of the pod that asks for one, tagged so that `cluster down` finds them.
 * @param others every other class; where one of them is the default, it stays so
 */
export function storageObjects({ cluster }: CloudSettings, others: readonly KubeObject[]): readonly KubeObject[] {
  const isTaken = others.some(
    ({ metadata }) => metadata.name !== storageClassName && metadata.annotations?.[defaultAnnotation] === "true",
  );
  return objectsFor([
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: storageClassName, annotations: { [defaultAnnotation]: String(!isTaken) } },
      provisioner: "ebs.csi.aws.com",
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: true,
      reclaimPolicy: "Delete",
      parameters: {
        type: "gp3",
        encrypted: "true",
        "csi.storage.k8s.io/fstype": "ext4",
        tagSpecification_1: `cortex.dev/cluster-name=${cluster}`,
      },
    },
  ]);
}
