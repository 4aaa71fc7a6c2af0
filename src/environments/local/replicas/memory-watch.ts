import { createMemoryCgroup, findCgroupParent, type MemoryCgroup } from "./memory-cgroup.ts";
import { GroupSampler } from "./process-memory.ts";

export interface WatchOptions {
  /** Unique among those that are watched. */
  readonly name: string;
  /** Leader of a process group. */
  readonly pid: number;
  readonly limitBytes: number | null;
  /** The group holds more than its limit and is to be ended; called once, and never where the kernel holds the limit. */
  readonly onOver: () => void;
}

export interface WatchedGroup {
  /** At the last look; 0 before the first one and where it cannot be seen. */
  bytes(): number;
  /** Ends the watch. @returns what was seen */
  stop(): Promise<{ readonly peakBytes: number; readonly hitLimit: boolean }>;
}

/** Watches the memory of all replicas of an agent by one timer, which runs only while there are any. */
export interface MemoryWatch {
  watch(options: WatchOptions): Promise<WatchedGroup>;
  /** Ends the timer; groups that are still watched stay as they were last seen. */
  close(): void;
}

interface Entry {
  readonly options: WatchOptions;
  readonly cgroup: MemoryCgroup | undefined;
  bytes: number;
  peakBytes: number;
  isOver: boolean;
  /** Until when an exact look is not repeated, by the clock of `performance.now`. */
  exactAfter: number;
}

export interface MemoryWatchOptions {
  /** Default 250. */
  readonly intervalMs?: number;
  readonly sampler?: GroupSampler;
  /** Where groups with a limit can be made; found out when it is not given, null for nowhere. */
  readonly cgroupParent?: string | null;
}

const exactEveryMs = 1_000;

/**
 * The limit is held by a control group where we may make one, else by looking: resident memory first, since that is one
 * small read per process. It counts what forked processes share once for each, so only a group that is over by it is
 * measured exactly (proportional set size, which the kernel takes milliseconds to sum up) before it is ended.
 */
export function createMemoryWatch(options: MemoryWatchOptions = {}): MemoryWatch {
  const { intervalMs = 250, sampler = new GroupSampler() } = options;
  const entries = new Map<number, Entry>();
  let parent: Promise<string | undefined> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const look = () => {
    const groups = sampler.sample(new Set(entries.keys()));
    for (const [pid, entry] of entries) {
      const group = groups.get(pid);
      if (!group) continue;
      const limit = entry.cgroup ? null : entry.options.limitBytes;
      if (limit === null || group.bytes <= limit || group.pids.length === 1) see(entry, group.bytes, limit);
      else if (performance.now() >= entry.exactAfter) {
        entry.exactAfter = Number.POSITIVE_INFINITY;
        void sampler.exactBytes(group.pids).then((bytes) => {
          entry.exactAfter = performance.now() + exactEveryMs;
          if (entries.get(pid) === entry) see(entry, bytes, limit);
        });
      }
    }
  };

  return {
    async watch(watched) {
      const { pid, name, limitBytes } = watched;
      parent ??=
        options.cgroupParent === undefined ? findCgroupParent() : Promise.resolve(options.cgroupParent ?? undefined);
      const folder = limitBytes === null ? undefined : await parent;
      const cgroup = folder === undefined ? undefined : await confine(folder, name, pid, limitBytes!);
      const entry: Entry = { options: watched, cgroup, bytes: 0, peakBytes: 0, isOver: false, exactAfter: 0 };
      entries.set(pid, entry);
      sampler.forget();
      if (process.platform === "linux") timer ??= setInterval(look, intervalMs).unref();
      return {
        bytes: () => entry.bytes,
        async stop() {
          if (entries.get(pid) === entry) entries.delete(pid);
          if (entries.size === 0) {
            clearInterval(timer);
            timer = undefined;
          }
          const peakBytes = Math.max(entry.peakBytes, (await cgroup?.peakBytes()) ?? 0);
          const hitLimit = entry.isOver || ((await cgroup?.hitLimit()) ?? false);
          await cgroup?.remove();
          return { peakBytes, hitLimit };
        },
      };
    },
    close() {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

function see(entry: Entry, bytes: number, limit: number | null): void {
  entry.bytes = bytes;
  entry.peakBytes = Math.max(entry.peakBytes, bytes);
  if (limit === null || bytes <= limit || entry.isOver) return;
  entry.isOver = true;
  entry.options.onOver();
}

async function confine(
  parent: string,
  name: string,
  pid: number,
  limitBytes: number,
): Promise<MemoryCgroup | undefined> {
  const cgroup = await createMemoryCgroup(parent, name, limitBytes);
  try {
    await cgroup?.add(pid);
    return cgroup;
  } catch {
    await cgroup?.remove();
    return undefined;
  }
}
