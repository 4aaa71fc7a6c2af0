import type { LogLine, LogOptions } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { resource } from "../../kubernetes/objects.ts";
import { pause } from "../../kubernetes/repeat.ts";
import { grepFilter } from "../../platform/grep.ts";
import { followPods, mostFollowed, sourceKey } from "./logs/follow-pods.ts";
import { LineQueue } from "./logs/line-queue.ts";
import { archivedSources, type LogArchive } from "./logs/log-archive.ts";
import {
  hasPreviousRun,
  isOver,
  isProxyError,
  isReplica,
  type LoggedPod,
  type LogSource,
  sourcesOf,
} from "./logs/log-sources.ts";
import { mergeByTime } from "./logs/merge-by-time.ts";
import { asLogLine, isAbsent, isPassing, readSource, type SourceLine } from "./logs/read-source.ts";
import { compareTimes, LogPosition } from "./logs/stamped-line.ts";
import { label, ours } from "./names.ts";

/** How many lines `tail` can ask for at most: they are held until the first of them is known. */
const longestTail = 100_000;
/** What is printed within so many milliseconds is put in order while following. */
const settleMs = 50;
const queueLength = 2_000;
const batchLines = 200;
/** How often the log of one container is begun anew whose reading broke off. */
const mostFailures = 8;

export interface LogPorts {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Undefined: lines are kept as long as their pods only. */
  readonly archive: LogArchive | undefined;
}

/** A log that is read once: one container, of its present run or the one before. */
interface Reading {
  readonly source: LogSource;
  readonly previous: boolean;
  /** By which the archive knows it: its pod is gone. */
  readonly stream?: string;
}

/**
 * Lines of an API's replicas in order of time: first what is there, then, when following, what comes, from new pods too.
 * While no pod runs, those that ended stand in for them, and where there are none either, the archive.
 * @throws USAGE for a grep that is no pattern, NOT_AUTHORISED
 */
export async function* podLogs(
  ports: LogPorts,
  api: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const grep = options.grep === undefined ? (lines: SourceLine[]) => lines : grepFilter(options.grep);
  const labelSelector = `${ours},${label.name}=${api}`;
  const { client, namespace, archive } = ports;
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  try {
    const listed = await client.list<LoggedPod>(resource.pod, { namespace, labelSelector }, either);
    const pods = listed?.items ?? [];
    const present = readingsOf(pods, options);
    const kept = archive && isOfArchive(present, options) ? await archivedOf(ports, api, pods, options, either) : [];
    if (kept instanceof CortexError) {
      if (present.length === 0) throw kept;
      yield unreadArchive(api, kept, options.sinceMs);
    }
    const readings = [...present, ...(kept instanceof CortexError ? [] : kept)];
    const positions = new Map(readings.map(({ source }) => [sourceKey(source), new LogPosition()]));
    const left = readings.length - mostFollowed;
    if (left > 0) yield tooMany(api, left, options.sinceMs);
    const past = pastLines(ports, readings.slice(0, mostFollowed), positions, options, either);
    for await (const line of chosen(past, grep, options)) yield asLogLine(api, line);
    if (!options.follow || options.previous) return;

    const queue = new LineQueue<SourceLine>(queueLength);
    const first = { sinceTime: secondsOf(options.sinceMs), tailLines: options.tail === 0 ? 0 : undefined };
    void followPods({ client, namespace, labelSelector, replica: options.replica, first, positions }, queue, either);
    while (await queue.filled(either)) {
      await pause(settleMs, either);
      const lines = queue.take().sort(compareTimes);
      for (const line of grep(isSince(lines, options.sinceMs))) yield asLogLine(api, line);
    }
  } finally {
    ended.abort();
  }
}

/** The newest pods first: of too many, the oldest are left out. */
function readingsOf(pods: readonly LoggedPod[], { replica, previous }: LogOptions): Reading[] {
  const names = pods.map(({ metadata }) => metadata.name);
  const wanted = pods
    .filter(({ metadata }) => replica === undefined || isReplica(metadata.name, replica, names))
    .sort((a, b) => (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? ""));
  if (previous) {
    return wanted.flatMap((pod) =>
      sourcesOf(pod).flatMap((source) => {
        const kind = hasPreviousRun(pod, source.container);
        return kind === undefined ? [] : [{ source, previous: kind === "restarted" }];
      }),
    );
  }
  const running = wanted.filter((pod) => !isOver(pod));
  const shown = running.length > 0 || replica !== undefined ? (replica === undefined ? running : wanted) : wanted;
  return shown.flatMap((pod) => sourcesOf(pod).map((source) => ({ source, previous: false })));
}

/** What is asked for is, or may be, of replicas that are gone. */
function isOfArchive(present: readonly Reading[], { previous, follow }: LogOptions): boolean {
  return previous || (present.length === 0 && !follow);
}

/** Those of pods that are gone, the newest first; an error where the archive cannot be read. */
async function archivedOf(
  { archive, namespace }: LogPorts,
  api: string,
  pods: readonly LoggedPod[],
  options: LogOptions,
  signal: AbortSignal,
): Promise<readonly Reading[] | CortexError> {
  const there = new Set(pods.map(({ metadata }) => metadata.name));
  try {
    const sources = archivedSources(await archive!.streams(namespace, api, signal), there, options);
    return sources.map((one) => ({ ...one, previous: false }));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CortexError) return error;
    throw error;
  }
}

function pastLines(
  { client, namespace, archive }: LogPorts,
  readings: readonly Reading[],
  positions: ReadonlyMap<string, LogPosition>,
  { tail, sinceMs, grep }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<SourceLine> {
  // With a pattern, how far back the last n matches lie is known only to whoever reads all.
  const tailLines = tail === undefined || grep !== undefined ? undefined : Math.min(Math.max(tail, 0), longestTail);
  const read = async function* ({ source, previous, stream }: Reading): AsyncGenerator<SourceLine> {
    if (stream !== undefined) {
      for await (const line of archive!.lines(stream, { sinceMs, tail: tailLines }, signal)) {
        if (!source.isProxy || isProxyError(line.text)) yield { ...line, nanos: 0, source };
      }
      return;
    }
    const position = positions.get(sourceKey(source))!;
    for (let failures = 0; ; failures += 1) {
      position.restart();
      const sinceTime = position.since ?? secondsOf(sinceMs);
      const reading = { previous, sinceTime, tailLines: position.since === undefined ? tailLines : undefined };
      try {
        for await (const line of readSource(client, namespace, source, reading, signal)) {
          if (position.accept(line)) yield line;
        }
        return;
      } catch (error) {
        if (isAbsent(error)) return;
        if (!isPassing(error) || failures >= mostFailures) throw error;
      }
      await pause(100 * 2 ** failures, signal);
    }
  };
  return mergeByTime(tail === 0 ? [] : readings.map(read));
}

/** Those that the options ask for; with a tail, the last of them. */
async function* chosen(
  source: AsyncGenerator<SourceLine>,
  grep: (lines: SourceLine[]) => SourceLine[],
  { tail, sinceMs }: LogOptions,
): AsyncGenerator<SourceLine> {
  const filtered = inBatches(source, (lines) => grep(isSince(lines, sinceMs)));
  if (tail === undefined) {
    yield* filtered;
    return;
  }
  const most = Math.min(Math.max(tail, 0), longestTail);
  let last: SourceLine[] = [];
  for await (const line of filtered) {
    last.push(line);
    if (last.length >= 2 * most + 1_000) last = last.slice(-most);
  }
  if (most > 0) yield* last.slice(-most);
}

async function* inBatches(
  source: AsyncGenerator<SourceLine>,
  filter: (lines: SourceLine[]) => SourceLine[],
): AsyncGenerator<SourceLine> {
  let batch: SourceLine[] = [];
  for await (const line of source) {
    batch.push(line);
    if (batch.length < batchLines) continue;
    yield* filter(batch);
    batch = [];
  }
  yield* filter(batch);
}

function isSince(lines: SourceLine[], sinceMs: number | undefined): SourceLine[] {
  return sinceMs === undefined ? lines : lines.filter(({ time }) => time >= sinceMs);
}

function secondsOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(Math.max(0, ms)).toISOString().replace(/\.\d+Z$/, "Z");
}

function unreadArchive(api: string, error: CortexError, sinceMs = 0): LogLine {
  const text = `lines of replicas that are gone cannot be read: ${error.message}`;
  return { time: sinceMs, api, revision: 0, replica: "", stream: "system", text };
}

function tooMany(api: string, left: number, sinceMs = 0): LogLine {
  const text = `the logs of the oldest ${left} containers are left out; --replica shows one replica's`;
  return { time: sinceMs, api, revision: 0, replica: "", stream: "system", text };
}
