import { createHash } from "node:crypto";
import type { KubeObject, ObjectMeta } from "../../../kubernetes/objects.ts";

const rbac = "rbac.authorization.k8s.io";

/** For programs that need nothing of the node. */
export const nonRoot = {
  pod: { runAsNonRoot: true, runAsUser: 65_534, runAsGroup: 65_534, seccompProfile: { type: "RuntimeDefault" } },
  container: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  },
} as const;

/** Manifests as they are written here; fields beyond metadata are their kinds' own. */
export function objectsFor(objects: readonly unknown[]): readonly KubeObject[] {
  return objects as readonly KubeObject[];
}

/** A ServiceAccount that may do what `rules` say, in all namespaces. */
export function ruled(metadata: ObjectMeta, rules: readonly unknown[]): readonly unknown[] {
  const { name, namespace, labels } = metadata;
  // Rights of the whole cluster have names that nobody else takes.
  const clusterWide = { name: `cortex-${name}`, labels };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: clusterWide, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: clusterWide,
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: clusterWide.name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
}

/** Starts pods anew when what they read changes. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
