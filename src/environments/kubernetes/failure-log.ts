import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { Failure } from "./judge.ts";

const tailLines = 20;
const mostBytes = 64 * 1024;
/** What a log is worth waiting for when the failure itself is known. */
const patienceMs = 5_000;

/** @returns the last lines of what failed, as far as the cluster still has them */
export async function readFailureLog(
  client: KubeClient,
  { pod, trouble }: Failure,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!pod || !trouble || trouble.words !== undefined || (trouble.kind !== "crash" && trouble.kind !== "memory")) {
    return undefined;
  }
  const { namespace = "", name } = pod.metadata;
  const query = new URLSearchParams({
    container: trouble.container,
    tailLines: String(tailLines),
    limitBytes: String(mostBytes),
    ...(trouble.isPrevious && { previous: "true" }),
  });
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`;
  const either = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    const response = await client.request({ method: "GET", path }, either);
    const text = Buffer.concat(await Array.fromAsync(response.body)).toString();
    return response.status === 200 && text.trim() !== "" ? text : undefined;
  } catch (error) {
    signal.throwIfAborted();
    return either.aborted ? undefined : Promise.reject(error);
  }
}
