import type { LogLine } from "../../../core/environment.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { KubeError } from "../../../kubernetes/kube-error.ts";
import { readStatus, refusal } from "../../../kubernetes/refusal.ts";
import { isProxyError, type LogSource } from "./log-sources.ts";
import { logLines, readStamp, type StampedLine } from "./stamped-line.ts";

export interface ReadOptions {
  readonly follow?: boolean;
  /** The run before the present one. */
  readonly previous?: boolean;
  /** RFC 3339; the server looks at whole seconds only. */
  readonly sinceTime?: string | undefined;
  readonly tailLines?: number | undefined;
}

export interface SourceLine extends StampedLine {
  readonly source: LogSource;
}

/**
 * Lines of one container in the order of their times.
 * @throws KubeError; status 404: the pod is gone, 400: the container has no such log; 0: the connection broke
 */
export async function* readSource(
  client: KubeClient,
  namespace: string,
  source: LogSource,
  { follow, previous, sinceTime, tailLines }: ReadOptions,
  signal: AbortSignal,
): AsyncGenerator<SourceLine> {
  const { pod, container, isProxy } = source;
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`;
  const parameters = new URLSearchParams({
    container,
    timestamps: "true",
    ...(follow && { follow: "true" }),
    ...(previous && { previous: "true" }),
    ...(sinceTime && { sinceTime }),
    ...(tailLines !== undefined && { tailLines: String(tailLines) }),
  });
  const answer = new AbortController();
  try {
    const response = await client.request(
      { method: "GET", path: `${path}?${parameters}` },
      AbortSignal.any([signal, answer.signal]),
    );
    if (response.status !== 200) {
      const text = Buffer.concat(await Array.fromAsync(response.body)).toString();
      const asked = {
        verb: "get",
        group: "",
        resource: "pods/log",
        namespace,
        name: pod,
        path,
        context: client.context,
      };
      throw refusal(response.status, readStatus(response.status, text), asked);
    }
    for await (const text of logLines(response.body)) {
      const line = readStamp(text);
      if (line && !(isProxy && !isProxyError(line.text))) yield { ...line, source };
    }
  } finally {
    answer.abort();
  }
}

export function asLogLine(api: string, { time, text, source }: SourceLine): LogLine {
  const { revision, replica, isProxy } = source;
  return { time, api, revision, replica, stream: isProxy ? "system" : "stdout", text };
}

/** Whether reading again can help: the server is away, restarts, or has too much to do. */
export function isPassing(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 0 || error.status === 429 || error.status >= 500);
}

/** Whether there is nothing to read, now or ever: the container has not begun, or its pod is gone. */
export function isAbsent(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 400 || error.status === 404);
}
