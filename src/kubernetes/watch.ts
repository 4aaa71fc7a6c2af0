import type { Caller } from "./caller.ts";
import type { RawResponse, WatchEvent, WatchOptions } from "./kube-client.ts";
import { KubeError } from "./kube-error.ts";
import { wholeLines } from "./lines.ts";
import { askedOfAll, listAll } from "./list.ts";
import type { KubeObject, ResourceType } from "./objects.ts";
import { query } from "./paths.ts";
import { type Asked, refusal, type Status } from "./refusal.ts";
import { pause } from "./repeat.ts";

interface WireEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: KubeObject & Status;
}

/** The server ends a watch after so long, in seconds: a connection that died unseen is noticed at the latest then. */
const shortestSeconds = 240;
const longestSeconds = 480;
const longestWaitMs = 10_000;

/** See KubeClient.watch. */
export async function* watchKind<T extends KubeObject>(
  caller: Caller,
  context: string,
  type: ResourceType,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const about = askedOfAll("watch", context, type, options);
  let version: string | undefined;
  let hasListed = false;
  for (let failures = 0; ; ) {
    try {
      if (version === undefined) {
        const listed = await listAll<T>(caller, context, type, options, signal);
        hasListed = true;
        yield { type: "listed", items: listed?.items ?? [] };
        if (!listed) return await never(signal);
        version = listed.resourceVersion;
      }
      for await (const { type: kind, object } of changes(caller, about, options, version, signal)) {
        version = object.metadata.resourceVersion ?? version;
        failures = 0;
        if (kind !== "BOOKMARK") yield { type: wordFor[kind], object: object as unknown as T };
      }
      if (failures === 0) {
        // The server ended it in its own time.
        failures = 1;
        continue;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof KubeError)) throw error;
      if (isOutdated(error)) {
        version = undefined;
        if (failures === 0) {
          failures = 1;
          continue;
        }
      } else if (!hasListed || !isPassing(error)) throw error;
    }
    await pause(Math.min(100 * 2 ** failures, longestWaitMs) * (0.5 + Math.random() / 2), signal);
    failures += 1;
  }
}

const wordFor = { ADDED: "added", MODIFIED: "modified", DELETED: "deleted" } as const;

type Change = { readonly type: keyof typeof wordFor | "BOOKMARK"; readonly object: KubeObject };

async function* changes(
  caller: Caller,
  about: Asked,
  { labelSelector, fieldSelector, onConnection }: WatchOptions,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<Change> {
  const timeoutSeconds = Math.round(shortestSeconds + Math.random() * (longestSeconds - shortestSeconds));
  const parameters = { watch: 1, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
  const path = about.path + query({ labelSelector, fieldSelector, ...parameters });
  // Ends the answer also when the consumer stops reading, or a line makes no sense.
  const answer = new AbortController();
  const either = AbortSignal.any([signal, answer.signal]);
  try {
    const response = await caller.repeat({ method: "GET", path }, about, async (one) => one, either);
    onConnection?.("up");
    for await (const line of linesOf(response, signal)) {
      const event = JSON.parse(line) as WireEvent;
      if (event.type === "ERROR") throw refusal(event.object.code ?? 500, event.object, about);
      yield event as Change;
    }
  } finally {
    answer.abort();
    onConnection?.("down");
  }
}

/** A connection that breaks ends the lines: the watch goes on with the next one. */
async function* linesOf({ body }: RawResponse, signal: AbortSignal): AsyncGenerator<string> {
  const lines = wholeLines(body);
  try {
    for (;;) {
      const next = await lines.next().catch((error: unknown) => {
        signal.throwIfAborted();
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
        return { done: true, value: undefined } as const;
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await lines.return(undefined).catch(() => {});
  }
}

function isOutdated({ status, reason }: KubeError): boolean {
  return status === 410 || reason === "Expired" || reason === "Gone";
}

/** What ends by itself: the server is away, restarts, or has too much to do. */
function isPassing({ status }: KubeError): boolean {
  return status === 0 || status === 429 || status >= 500;
}

async function never(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.throwIfAborted();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return promise;
}
