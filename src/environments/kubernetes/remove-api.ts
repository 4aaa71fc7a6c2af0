import { setTimeout as delay } from "node:timers/promises";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { resource } from "../../kubernetes/objects.ts";
import { removeObjects } from "./apply-objects.ts";

/**
 * Removes an API: its route first, its anchor last, so that a command that was killed in between finds it and goes on.
 * Secrets and revisions go with the anchor that owns them. Returns once it takes no requests; pods may still finish theirs.
 */
export async function removeApi(
  client: KubeClient,
  namespace: string,
  name: string,
  gatewayDelayMs: number,
  signal: AbortSignal,
): Promise<void> {
  await removeObjects(client, namespace, name, signal);
  await client.remove(resource.configMap, namespace, name, { propagation: "Background" }, signal);
  await delay(gatewayDelayMs, undefined, { signal });
}
