import { isReplica, type LogSource } from "./log-sources.ts";

/** What one container of one replica printed. */
export interface ArchivedStream {
  /** By which it is read. */
  readonly name: string;
  readonly pod: string;
  readonly container: string;
  /** 0: not known. */
  readonly revision: number;
  /** About when its last line came, milliseconds since the epoch. */
  readonly lastAt: number;
}

/** Where lines are kept that outlive their pods. Holds no state. */
export interface LogArchive {
  /** Of an API's replicas, those that still run among them, in any order. */
  streams(namespace: string, api: string, signal: AbortSignal): Promise<readonly ArchivedStream[]>;
  /** In order of time, milliseconds since the epoch. @param tail only the last so many */
  lines(
    stream: string,
    options: { readonly sinceMs: number | undefined; readonly tail: number | undefined },
    signal: AbortSignal,
  ): AsyncIterable<{ readonly time: number; readonly text: string }>;
}

export interface ArchivedSource {
  readonly source: LogSource;
  readonly stream: string;
}

/** An archive says late when the last line came. */
const lateMs = 3_600_000;

/**
 * Those of pods that are gone, the newest first.
 * @param there names of pods whose logs the cluster still has
 */
export function archivedSources(
  streams: readonly ArchivedStream[],
  there: ReadonlySet<string>,
  { replica, sinceMs = 0 }: { readonly replica?: string | undefined; readonly sinceMs?: number | undefined },
): readonly ArchivedSource[] {
  const gone = streams.filter(({ pod }) => !there.has(pod));
  const names = [...new Set([...gone.map(({ pod }) => pod), ...there])];
  const wanted = gone.filter(({ pod, lastAt }) => {
    return lastAt + lateMs >= sinceMs && (replica === undefined || isReplica(pod, replica, names));
  });
  const users = Map.groupBy(
    gone.filter(({ container }) => !isProxy(container)),
    ({ pod }) => pod,
  );
  return wanted
    .sort((a, b) => b.lastAt - a.lastAt)
    .map(({ name, pod, container, revision }) => {
      const isOneOfMany = !isProxy(container) && (users.get(pod)?.length ?? 0) > 1;
      const named = isOneOfMany ? `${pod}/${container}` : pod;
      const source = { pod, uid: name, container, replica: named, revision, isProxy: isProxy(container) };
      return { source, stream: name };
    });
}

/** Its name is none that a user's container may have. */
function isProxy(container: string): boolean {
  return container === "proxy";
}
