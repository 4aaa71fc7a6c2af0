import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface GroupMemory {
  /** Resident memory of all processes of the group; what they share is counted once for each. */
  readonly bytes: number;
  readonly pids: readonly number[];
}

/**
 * Measures process groups by Linux's /proc. A process belongs to the group that it is in, or that its parent belonged to,
 * and stays in it. One look costs a listing and one small read per process that belongs to a group or is new.
 */
export class GroupSampler {
  readonly #procFolder: string;
  readonly #pageBytes: number;
  /** By process: the leader of its group, 0 for one that is of no interest. */
  #known = new Map<number, number>();

  constructor(procFolder = "/proc", pageBytes = pageSize()) {
    this.#procFolder = procFolder;
    this.#pageBytes = pageBytes;
  }

  /** Forgets which processes were of no interest: a group was added. */
  forget(): void {
    this.#known = new Map();
  }

  /** @param leaders process ids of group leaders. @returns their groups; one that is gone is left out */
  sample(leaders: ReadonlySet<number>): Map<number, GroupMemory> {
    const seen = new Map<number, number>();
    const groups = new Map<number, { bytes: number; pids: number[] }>();
    for (const pid of this.#listProcesses()) {
      const known = this.#known.get(pid);
      if (known === 0) {
        seen.set(pid, 0);
        continue;
      }
      const process = this.#readProcess(pid);
      if (!process) continue;
      const byGroup = leaders.has(process.group) ? process.group : undefined;
      const leader = known ?? byGroup ?? seen.get(process.parent) ?? this.#known.get(process.parent) ?? 0;
      seen.set(pid, leaders.has(leader) ? leader : 0);
      if (!leaders.has(leader)) continue;
      const group = groups.get(leader) ?? { bytes: 0, pids: [] };
      group.bytes += process.bytes;
      group.pids.push(pid);
      groups.set(leader, group);
    }
    this.#known = seen;
    return groups;
  }

  /**
   * @returns memory of `pids` with what is shared counted once; slow (it walks page tables), so only for when it matters
   */
  async exactBytes(pids: readonly number[]): Promise<number> {
    const sizes = await Promise.all(pids.map((pid) => this.#proportionalBytes(pid)));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async #proportionalBytes(pid: number): Promise<number> {
    try {
      const rollup = await readFile(join(this.#procFolder, String(pid), "smaps_rollup"), "latin1");
      const kibibytes = /^Pss:\s+(\d+) kB/m.exec(rollup)?.[1];
      if (kibibytes) return Number(kibibytes) * 1024;
    } catch {
      // Gone, or not ours to look into: what the cheap look says has to do.
    }
    return this.#readProcess(pid)?.bytes ?? 0;
  }

  #listProcesses(): number[] {
    try {
      return readdirSync(this.#procFolder).map(Number).filter(Number.isInteger);
    } catch {
      return [];
    }
  }

  #readProcess(pid: number): { parent: number; group: number; bytes: number } | undefined {
    try {
      const stat = readFileSync(join(this.#procFolder, String(pid), "stat"), "latin1");
      // The name before it may hold anything, parentheses and blanks too. See proc_pid_stat(5).
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return { parent: Number(fields[1]), group: Number(fields[2]), bytes: Number(fields[21]) * this.#pageBytes };
    } catch {
      return undefined;
    }
  }
}

/** Node does not tell the page size; it follows from its own memory, in bytes and in pages. */
function pageSize(): number {
  try {
    const pages = Number(readFileSync("/proc/self/statm", "latin1").split(" ")[1]);
    return 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages));
  } catch {
    return 4096;
  }
}
