import { untilAborted } from "../../../core/streams.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { limiterOf } from "../../../kubernetes/limiter.ts";
import { resource } from "../../../kubernetes/objects.ts";
import { followSource } from "./follow-source.ts";
import type { LineQueue } from "./line-queue.ts";
import { isOver, isReplica, type LoggedPod, type LogSource, sourcesOf, stateOf } from "./log-sources.ts";
import type { ReadOptions, SourceLine } from "./read-source.ts";
import { LogPosition } from "./stamped-line.ts";

/** Logs that are followed at a time; pods beyond wait until others are gone. */
export const mostFollowed = 80;

export interface FollowOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly labelSelector: string;
  readonly replica: string | undefined;
  /** How the first reading of a container begins whose log was not read before; of pods that are new it is read whole. */
  readonly first: ReadOptions;
  /** Where earlier readings of containers ended. */
  readonly positions: ReadonlyMap<string, LogPosition>;
}

/** The containers whose logs were read before are known by this. */
export function sourceKey({ uid, container }: LogSource): string {
  return `${uid} ${container}`;
}

/** Puts what the containers of all pods print into `queue`, those of new pods too, until `signal` aborts. */
export async function followPods(
  options: FollowOptions,
  queue: LineQueue<SourceLine>,
  signal: AbortSignal,
): Promise<void> {
  const { client, namespace, labelSelector, positions } = options;
  const pods = new Map<string, LoggedPod>();
  const begun = new Set<string>();
  const limiter = limiterOf(mostFollowed);
  let news = Promise.withResolvers<void>();
  let isFirst = true;
  const put = (line: SourceLine) => queue.put(line, signal);

  const begin = (source: LogSource) => {
    const followed = {
      source,
      position: positions.get(sourceKey(source)) ?? new LogPosition(),
      state: () => {
        const pod = pods.get(source.uid);
        return pod && stateOf(pod, source.container);
      },
      changed: (within: AbortSignal) => untilAborted(news.promise, within),
    };
    const first = isFirst ? options.first : {};
    void (async () => {
      using _place = await limiter.enter(signal);
      await followSource(followed, { client, namespace, put }, first, signal);
    })().catch((error: unknown) => queue.end(error));
  };

  try {
    for await (const event of client.watch<LoggedPod>(resource.pod, { namespace, labelSelector }, signal)) {
      update(pods, event);
      const names = [...pods.values()].map(({ metadata }) => metadata.name);
      for (const pod of pods.values()) {
        if (options.replica !== undefined && !isReplica(pod.metadata.name, options.replica, names)) continue;
        // What ended before this began was read, or is not asked for.
        if (isFirst && isOver(pod)) continue;
        for (const source of sourcesOf(pod)) {
          if (begun.has(sourceKey(source))) continue;
          begun.add(sourceKey(source));
          begin(source);
        }
      }
      isFirst = false;
      news.resolve();
      news = Promise.withResolvers();
    }
  } catch (error) {
    queue.end(error);
  }
}

type PodEvent =
  | { readonly type: "listed"; readonly items: readonly LoggedPod[] }
  | { readonly type: "added" | "modified" | "deleted"; readonly object: LoggedPod };

function update(pods: Map<string, LoggedPod>, event: PodEvent): void {
  if (event.type === "listed") {
    pods.clear();
    for (const pod of event.items) pods.set(pod.metadata.uid ?? "", pod);
  } else if (event.type === "deleted") pods.delete(event.object.metadata.uid ?? "");
  else pods.set(event.object.metadata.uid ?? "", event.object);
}
