import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { resource } from "../../kubernetes/objects.ts";
import { anchorsOnly } from "./anchor.ts";

/** @returns every namespace of the cluster that holds an API, by name */
export async function namespacesWithApis(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const anchors = await client.list(resource.configMap, { labelSelector: anchorsOnly }, signal);
  return [...new Set((anchors?.items ?? []).flatMap(({ metadata }) => metadata.namespace ?? []))].sort();
}
