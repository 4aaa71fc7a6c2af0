import type { BigIntStats } from "node:fs";
import { readFile } from "node:fs/promises";
import { writeAtomically } from "../platform/files.ts";
import type { HashedFile } from "./hash-file.ts";

/**
 * Remembers the hashes of files that have not changed since, as git's index does, so that a large model is read once.
 * It may be lost, stale or nonsense at any time: then files are read again.
 */
export interface HashCache {
  /** @returns the file's hash, when it is known and nothing says that the file is another one now */
  find(path: string, stats: BigIntStats): string | undefined;
  add(path: string, hashed: HashedFile): void;
  /** Writes what is known about the files that were asked for or added, when that is new. */
  save(): Promise<void>;
}

/** Size, mtime, ctime, inode, hash: numbers as decimal strings since nanoseconds are more than a double holds. */
type Entry = readonly [size: string, mtimeNs: string, ctimeNs: string, inode: string, sha256: string];

interface Stored {
  readonly version: 1;
  /** Projects, most recently used first. */
  readonly projects: readonly { readonly root: string; readonly files: Readonly<Record<string, Entry>> }[];
}

const keptProjects = 20;
/** Timestamps come from a clock that ticks every few milliseconds; on some file systems every two seconds. */
const fineTickMs = 50;
const coarseTickMs = 2_000;

/** @param file undefined: nothing is remembered */
export async function openHashCache(file: string | undefined, root: string): Promise<HashCache> {
  const stored = file === undefined ? undefined : await readStored(file);
  const known = new Map(Object.entries(stored?.projects.find((project) => project.root === root)?.files ?? {}));
  const used = new Map<string, Entry>();
  let isNew = false;
  return {
    find(path, stats) {
      const entry = known.get(path);
      if (!entry || !matches(entry, stats)) return undefined;
      used.set(path, entry);
      return entry[4];
    },
    add(path, { stats, sha256, readAt }) {
      if (!isSettled(stats, readAt)) return;
      const { size, mtimeNs, ctimeNs, ino } = stats;
      used.set(path, [`${size}`, `${mtimeNs}`, `${ctimeNs}`, `${ino}`, sha256]);
      isNew = true;
    },
    async save() {
      if (file === undefined || !isNew) return;
      const others = (await readStored(file))?.projects.filter((project) => project.root !== root) ?? [];
      const projects = [{ root, files: Object.fromEntries(used) }, ...others].slice(0, keptProjects);
      await writeAtomically(file, JSON.stringify({ version: 1, projects } satisfies Stored));
    },
  };
}

function matches([size, mtimeNs, ctimeNs, inode]: Entry, stats: BigIntStats): boolean {
  return (
    size === `${stats.size}` &&
    mtimeNs === `${stats.mtimeNs}` &&
    ctimeNs === `${stats.ctimeNs}` &&
    inode === `${stats.ino}`
  );
}

/**
 * A file that was written just before it was read could be written again within the same tick of the clock, and look the
 * same; git calls such an entry racily clean. Only what is older than a tick is remembered.
 * @param readAt when reading began, milliseconds since the epoch
 */
export function isSettled({ mtimeNs, ctimeNs }: Pick<BigIntStats, "mtimeNs" | "ctimeNs">, readAt: number): boolean {
  const newestMs = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / 1_000_000n);
  const hasWholeSeconds = mtimeNs % 1_000_000_000n === 0n && ctimeNs % 1_000_000_000n === 0n;
  return newestMs + (hasWholeSeconds ? coarseTickMs : fineTickMs) < readAt;
}

async function readStored(file: string): Promise<Stored | undefined> {
  try {
    const stored = JSON.parse(await readFile(file, "utf8")) as Stored;
    return stored.version === 1 && stored.projects.every(isProject) ? stored : undefined;
  } catch {
    return undefined;
  }
}

function isProject({ root, files }: Stored["projects"][number]): boolean {
  return typeof root === "string" && Object.values(files).every((entry) => entry.length === 5 && isHash(entry[4]));
}

function isHash(text: unknown): boolean {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}
