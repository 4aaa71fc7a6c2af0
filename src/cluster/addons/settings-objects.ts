import type { CloudSettings } from "../../core/cluster.ts";
import { clusterConfig } from "../../kubernetes/labels.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import { ourGateway } from "./gateway-objects.ts";

const { namespace, name } = clusterConfig;
const rbac = "rbac.authorization.k8s.io";

/** What is written down of the cluster; `ClusterConfigData` of the environment, and what only `cluster install` reads. */
export interface WrittenSettings {
  readonly gateway?: string;
  readonly gatewayController?: string;
  readonly prometheus?: string;
  /** JSON of `CloudSettings`. */
  readonly cloud?: string;
  /** JSON of `InstalledReleases`. */
  readonly installed?: string;
  readonly writtenBy?: string;
}

/** What is there of each release once all of it is applied and works. */
export type InstalledReleases = Readonly<Record<string, InstalledRelease>>;

export interface InstalledRelease {
  readonly version: string;
  /** How many labelled objects it has, jobs aside: they go away by themselves. */
  readonly objects: number;
  /** SHA-256 of the file that they came from. */
  readonly source: string;
}

/** Everything that is ours in namespaces that is not APIs' lies in this one. */
export function namespaceObject(): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  };
}

/** Lets whoever may speak to the cluster read the settings and the state of our Gateway, and nothing else in the namespace. */
export function readerObjects(): readonly KubeObject[] {
  const metadata = { name: "cortex-settings-reader", namespace };
  return [
    {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata,
      rules: [
        { apiGroups: [""], resources: ["configmaps"], resourceNames: [name], verbs: ["get"] },
        {
          apiGroups: ["gateway.networking.k8s.io"],
          resources: ["gateways"],
          resourceNames: [ourGateway.name],
          verbs: ["get"],
        },
      ],
    } as KubeObject,
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name: metadata.name },
      subjects: [{ apiGroup: rbac, kind: "Group", name: "system:authenticated" }],
    } as KubeObject,
  ];
}

export function settingsObject(data: WrittenSettings): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data } as KubeObject;
}

/** @returns an empty record for what is absent or cannot be understood: then all is looked at again */
export function installedReleases(text: string | undefined): InstalledReleases {
  try {
    const parsed: unknown = JSON.parse(text ?? "{}");
    return typeof parsed === "object" && parsed !== null ? (parsed as InstalledReleases) : {};
  } catch {
    return {};
  }
}

/** @returns undefined for a cluster that is in no cloud that Cortex knows, or of whose settings a newer one wrote what this one does not */
export function cloudSettings(written: WrittenSettings | undefined): CloudSettings | undefined {
  try {
    const parsed = JSON.parse(written?.cloud ?? "null") as CloudSettings | null;
    return parsed?.provider === "aws" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
