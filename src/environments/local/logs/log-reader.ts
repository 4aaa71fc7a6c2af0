import { stat } from "node:fs/promises";
import type { LogLine, LogOptions } from "../../../core/environment.ts";
import { grepFilter } from "../../../platform/grep.ts";
import { accessChannel, type Channel, listChannels } from "./channels.ts";
import { endOfLines, mergeByTime, readBackward, readForward, type Stretch } from "./read-lines.ts";

/** What a reader must know of the writers, which are in the same process. */
export interface Writers {
  readonly folder: string;
  /** Replicas whose output is being written. */
  live(): ReadonlySet<string>;
  /** Calls `listener` with every replica that is opened from now on. @returns how to stop it */
  onOpened(listener: (replica: string) => void): () => void;
  isRemoved(): boolean;
  flush(): Promise<void>;
  /** @returns when anything is written after this call, or when `signal` aborts */
  changed(signal: AbortSignal): Promise<void>;
}

/** Where a reader stands in a channel: at a byte of the file with that number. */
interface Position {
  readonly number: number;
  readonly offset: number;
}

type Filter = (lines: LogLine[]) => LogLine[];

/** How many lines `tail` can ask for at most: they are held until the first of them is found. */
const longestTail = 100_000;

/**
 * Yields lines of an API in order of time: first what is on disk, then, when following, what is written, round by round,
 * from replicas that are new too. A reader that is too slow misses what was rotated away, and holds nobody up.
 */
export async function* readLog(writers: Writers, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
  const grep: Filter = options.grep === undefined ? (lines) => lines : grepFilter(options.grep);
  const chosen = new Set<string>();
  const isEveryone = options.replica === undefined && !options.previous;
  // Heard of at once: one that ends soon after its start is never seen among those that run.
  using _listening = disposable(writers.onOpened((replica) => isEveryone && chosen.add(replica)));
  const positions = new Map<string, Position>();
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const changed = writers.changed(signal);
    await writers.flush();
    const channels = await listChannels(writers.folder);
    chooseReplicas(chosen, channels, writers.live(), options);
    const filter: Filter = (lines) => grep(lines.filter((line) => isChosen(line, chosen, options)));
    const stretches = await advance(channels.filter(needsReading(chosen)), positions, options.sinceMs ?? 0);
    const round = isFirst && options.tail !== undefined ? readTail : readRound;
    for await (const line of round(stretches, filter, options)) {
      if (signal.aborted) return;
      yield line;
    }
    if (!options.follow || writers.isRemoved()) return;
    await changed;
  }
}

function disposable(stop: () => void): Disposable {
  return { [Symbol.dispose]: stop };
}

/**
 * Adds the replicas whose lines are wanted. Once chosen a replica stays so: its last words come after its end.
 * While none runs, those of the newest revision stand in for them: that is what somebody wants to know who looks.
 */
function chooseReplicas(
  chosen: Set<string>,
  channels: readonly Channel[],
  live: ReadonlySet<string>,
  options: LogOptions,
): void {
  if (options.replica !== undefined) {
    chosen.add(options.replica);
    return;
  }
  const gone = channels.filter(({ replica }) => replica !== undefined && !live.has(replica));
  if (options.previous) {
    for (const { replica } of gone) chosen.add(replica!);
    return;
  }
  for (const replica of live) chosen.add(replica);
  if (chosen.size > 0) return;
  const newest = Math.max(...gone.map(({ revision }) => revision!));
  for (const { replica, revision } of gone) if (revision === newest) chosen.add(replica!);
}

function needsReading(chosen: ReadonlySet<string>): (channel: Channel) => boolean {
  return ({ name, replica }) => name === accessChannel || chosen.has(replica!);
}

/** A request that no replica had a part in belongs to the API: it is shown unless somebody asks for certain replicas. */
function isChosen({ replica }: LogLine, chosen: ReadonlySet<string>, options: LogOptions): boolean {
  return replica === "" ? options.replica === undefined && !options.previous : chosen.has(replica);
}

/** Moves `positions` to the end of what is on disk now. @returns what lies between, by channel */
async function advance(
  channels: readonly Channel[],
  positions: Map<string, Position>,
  sinceMs: number,
): Promise<Stretch[][]> {
  const found: Stretch[][] = [];
  for (const { name, files } of channels) {
    const position = positions.get(name);
    const stretches: Stretch[] = [];
    let end = position;
    for (const { number, path } of files) {
      if (position && number < position.number) continue;
      const info = await stat(path).catch(() => undefined);
      if (!info) continue;
      const from = position?.number === number ? position.offset : 0;
      // A write may be under way: what is after the last line break is left for the next round.
      const to = info.size > from ? await endOfLines(path, from, info.size) : from;
      if (to > from && info.mtimeMs >= sinceMs - 1) stretches.push({ path, from, to });
      end = { number, offset: to };
    }
    if (end) positions.set(name, end);
    if (stretches.length > 0) found.push(stretches);
  }
  return found;
}

function readRound(stretches: readonly Stretch[][], filter: Filter, options: LogOptions): AsyncGenerator<LogLine> {
  const sources = stretches.map((one) => filtered(readForward(one, options.sinceMs ?? 0), filter));
  return mergeByTime(sources, 1);
}

async function* readTail(
  stretches: readonly Stretch[][],
  filter: Filter,
  options: LogOptions,
): AsyncGenerator<LogLine> {
  const wanted = Math.min(options.tail ?? 0, longestTail);
  if (wanted <= 0) return;
  const lines: LogLine[] = [];
  const sources = stretches.map((one) => filtered(readBackward(one, options.sinceMs ?? 0), filter));
  for await (const line of mergeByTime(sources, -1)) {
    lines.push(line);
    if (lines.length === wanted) break;
  }
  yield* lines.reverse();
}

async function* filtered(source: AsyncGenerator<LogLine[]>, filter: Filter): AsyncGenerator<LogLine[]> {
  for await (const lines of source) {
    const kept = filter(lines);
    if (kept.length > 0) yield kept;
  }
}
