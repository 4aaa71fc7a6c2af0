import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { clusterConfig } from "../../kubernetes/labels.ts";
import { type KubeObject, resource } from "../../kubernetes/objects.ts";
import { addressOf } from "../addons/install.ts";
import type { WrittenSettings } from "../addons/settings-objects.ts";
import type { KubeNode, KubePod } from "./kube-shapes.ts";

/** What Kubernetes knows of a cluster's nodes, and of what runs on them. */
export interface InsideLook {
  readonly nodes: readonly KubeNode[];
  readonly pods: readonly KubePod[];
  /** Where APIs are reached; undefined without a Gateway, or one without an address. */
  readonly apiEndpoint?: string;
}

export async function lookInside(client: KubeClient, signal: AbortSignal): Promise<InsideLook> {
  const [nodes, pods, apiEndpoint] = await Promise.all([
    client.list<KubeNode>(resource.node, {}, signal),
    client.list<KubePod>(resource.pod, {}, signal),
    gatewayAddress(client, signal),
  ]);
  return {
    nodes: nodes?.items ?? [],
    pods: pods?.items ?? [],
    ...(apiEndpoint !== undefined && { apiEndpoint }),
  };
}

async function gatewayAddress(client: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  const { namespace, name } = clusterConfig;
  const settings = await client.get<KubeObject & { readonly data?: WrittenSettings }>(
    resource.configMap,
    namespace,
    name,
    signal,
  );
  const gateway = settings?.data?.gateway;
  return gateway === undefined ? undefined : addressOf(client, gateway, signal);
}
