import type { ApiState } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { type KubeObject, resource } from "../../kubernetes/objects.ts";
import { isReplica } from "./logs/log-sources.ts";
import { label, ours } from "./names.ts";

/** As much of a pod as it takes to choose one. */
export interface ChoosablePod extends KubeObject {
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export function podSelector(api: ApiState["name"]): string {
  return `${ours},${label.name}=${api}`;
}

export function isPodReady({ metadata, status }: ChoosablePod): boolean {
  const isReady = status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
  return isReady === true && metadata.deletionTimestamp === undefined;
}

/**
 * The replica that is asked for, else one that is ready, of the newest revision; one that merely runs when none is.
 * @throws FAILED naming those that there are
 */
export async function choosePod(
  client: KubeClient,
  namespace: string,
  api: string,
  replica: string | undefined,
  signal: AbortSignal,
): Promise<ChoosablePod> {
  const listed = await client.list<ChoosablePod>(resource.pod, { namespace, labelSelector: podSelector(api) }, signal);
  const running = (listed?.items ?? []).filter(({ status }) => status?.phase === "Running");
  const found = pick(running, replica);
  if (found) return found;
  const names = running.map(({ metadata }) => metadata.name);
  const message =
    replica === undefined ? `${api} has no replica that runs` : `${api} has no replica ${replica} that runs`;
  const hint = names.length > 0 ? `there are ${names.join(", ")}` : `\`cortex describe ${api}\` shows why`;
  throw new CortexError("FAILED", message, { hint });
}

export function pick(pods: readonly ChoosablePod[], replica: string | undefined): ChoosablePod | undefined {
  const names = pods.map(({ metadata }) => metadata.name);
  if (replica !== undefined) return pods.find(({ metadata }) => isReplica(metadata.name, replica, names));
  const revision = ({ metadata }: ChoosablePod) => Number(metadata.labels?.[label.revision] ?? 0);
  const rank = (pod: ChoosablePod) => (isPodReady(pod) ? 1e9 : 0) + revision(pod);
  return pods.toSorted((a, b) => rank(b) - rank(a))[0];
}

export function podPath(namespace: string, pod: string, subresource: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/${subresource}`;
}
