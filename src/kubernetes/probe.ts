import type { ClusterProbe, KubeContexts } from "../core/kubeconfig.ts";
import { userHome } from "../platform/home.ts";
import type { KubeClient } from "./kube-client.ts";
import { kubeconfigFiles, readKubeconfig } from "./kubeconfig-file.ts";
import { type KubeObject, resource } from "./objects.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** @param file instead of what `variables` name @throws SPEC_INVALID, FAILED */
export async function readContexts(file: string | undefined, variables: Variables): Promise<KubeContexts> {
  const kubeconfig = await readKubeconfig(file === undefined ? kubeconfigFiles(variables, userHome()) : [file]);
  return {
    files: kubeconfig?.files ?? [],
    names: [...(kubeconfig?.contexts.keys() ?? [])],
    current: kubeconfig?.currentContext?.value,
    isInPod: !kubeconfig && Boolean(variables.KUBERNETES_SERVICE_HOST),
  };
}

/** Where local clusters announce their registry (KEP-1755). */
const hosting = { namespace: "kube-public", name: "local-registry-hosting" } as const;

export async function probe(client: KubeClient, signal: AbortSignal): Promise<ClusterProbe> {
  const [version, hosted] = await Promise.all([
    client.json<{ readonly gitVersion: string }>({ method: "GET", path: "/version" }, signal),
    announced(client, signal),
  ]);
  const registry = hosted && registryOf(hosted);
  return { version: version.gitVersion, ...(registry !== undefined && { registry }) };
}

/** Most clusters have none, and some let nobody read it: then nothing is announced. */
async function announced(client: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  const found = await client
    .get<KubeObject & { data?: Readonly<Record<string, string>> }>(
      resource.configMap,
      hosting.namespace,
      hosting.name,
      signal,
    )
    .catch(() => undefined);
  signal.throwIfAborted();
  return found?.data?.["localRegistryHosting.v1"];
}

/** @param text YAML of one level: `host: "localhost:5001"` */
export function registryOf(text: string): string | undefined {
  return text.match(/^host:\s*["']?([^"'\s#]+)/m)?.[1];
}
