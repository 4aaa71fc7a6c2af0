import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeError } from "../../kubernetes/kube-error.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";

/** The first page tells what most nodes are. */
const looksAt = 100;

/**
 * The processor that images are made for: that of most nodes; where nodes may not be listed, that of the API server.
 * @returns `amd64`, `arm64` …
 */
export async function nodeArchitecture(client: KubeClient, signal: AbortSignal): Promise<string> {
  const counts = new Map<string, number>();
  for (const name of await architecturesOfNodes(client, signal)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  if (most) return most[0];
  const { platform } = await client.json<{ readonly platform: string }>({ method: "GET", path: "/version" }, signal);
  return platform.split("/")[1] ?? "amd64";
}

async function architecturesOfNodes(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const path = `/api/v1/nodes?limit=${looksAt}`;
    const { items } = await client.json<{ readonly items: readonly KubeObject[] }>({ method: "GET", path }, signal);
    return items.flatMap(({ metadata }) => metadata.labels?.["kubernetes.io/arch"] ?? []);
  } catch (error) {
    if ((error as KubeError).status === 403) return [];
    throw error;
  }
}
