import type { ApiState } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { resource } from "../../kubernetes/objects.ts";
import { isReplica } from "./logs/log-sources.ts";
import { label, ours } from "./names.ts";
import { isReady } from "./pod-state.ts";
import type { Pod } from "./shapes.ts";

export function podSelector(api: ApiState["name"]): string {
  return `${ours},${label.name}=${api}`;
}

export interface ReplicaChoice {
  readonly replica?: string;
  /** See `Environment.inEnv`. */
  readonly inEnv?: string;
}

/**
 * The replica that is asked for, else one that is ready, of the newest revision; one that merely runs when none is.
 * @throws FAILED naming those that there are
 */
export async function choosePod(
  client: KubeClient,
  namespace: string,
  api: string,
  { replica, inEnv = "" }: ReplicaChoice,
  signal: AbortSignal,
): Promise<Pod> {
  const listed = await client.list<Pod>(resource.pod, { namespace, labelSelector: podSelector(api) }, signal);
  const running = (listed?.items ?? []).filter(({ status }) => status?.phase === "Running");
  const found = pick(running, replica);
  if (found) return found;
  const names = running.map(({ metadata }) => metadata.name);
  const message =
    replica === undefined ? `${api} has no replica that runs` : `${api} has no replica ${replica} that runs`;
  const hint = names.length > 0 ? `there are ${names.join(", ")}` : `\`cortex describe ${api}${inEnv}\` shows why`;
  throw new CortexError("FAILED", message, { hint });
}

export function pick(pods: readonly Pod[], replica: string | undefined): Pod | undefined {
  const names = pods.map(({ metadata }) => metadata.name);
  if (replica !== undefined) return pods.find(({ metadata }) => isReplica(metadata.name, replica, names));
  const revision = ({ metadata }: Pod) => Number(metadata.labels?.[label.revision] ?? 0);
  const rank = (pod: Pod) => (isReady(pod) ? 1e9 : 0) + revision(pod);
  return pods.toSorted((a, b) => rank(b) - rank(a))[0];
}

export function podPath(namespace: string, pod: string, subresource: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/${subresource}`;
}
