import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Revision } from "../../../core/environment.ts";
import { asWriteError, writeAtomically } from "../../../platform/files.ts";

/** Revisions kept per API. */
const kept = 10;
/** What an API's folder is called while it is removed. */
const removed = ".removed-";

/** What the agent knows of an API between its own lives. */
export interface ApiRecord {
  readonly name: string;
  /** Oldest first, at least one. */
  readonly revisions: readonly Revision[];
  /** Number of the revision that was last asked for. */
  readonly wanted: number;
  /** Number of the revision that was last live, if any was. */
  readonly live?: number;
  /** Why `wanted` never got live, if that is known. */
  readonly failure?: { readonly message: string; readonly outOfMemory: boolean };
  /** Replicas that the autoscaler had decided on. */
  readonly requested: number;
}

type Pointers = Omit<ApiRecord, "name" | "revisions">;

/**
 * APIs on disk: `<folder>/<api>/revision-<n>.json`, never changed once written, and `state.json` beside them, which says
 * which one is wanted. A revision that cannot be read is left out; without a readable state the newest revision is wanted.
 */
export interface ApiStore {
  load(): Promise<ApiRecord[]>;
  /** Writes new revisions and the state, and removes revisions that are no longer kept. @throws DISK_FULL, NOT_WRITABLE */
  save(record: ApiRecord): Promise<void>;
  remove(name: string): Promise<void>;
}

export function createApiStore(folder: string): ApiStore {
  const stored = new Map<string, Set<number>>();
  const file = (name: string, number: number) => join(folder, name, `revision-${number}.json`);
  return {
    async load() {
      const all = await filesIn(folder);
      await Promise.all(
        all.filter((name) => name.startsWith(removed)).map((name) => removeQuietly(join(folder, name))),
      );
      const names = all.filter((name) => !name.startsWith("."));
      const records = await Promise.all(names.map((name) => loadRecord(folder, name)));
      const found = records.filter((record) => record !== undefined);
      for (const record of found) stored.set(record.name, new Set(record.revisions.map((one) => one.number)));
      return found;
    },
    async save({ name, revisions, ...pointers }) {
      const known = stored.get(name) ?? new Set();
      // What was there could not be read; left there, it might be taken for part of this API later.
      if (!stored.has(name)) await rm(join(folder, name), { recursive: true, force: true });
      stored.set(name, known);
      for (const revision of revisions) {
        if (known.has(revision.number)) continue;
        await writeAtomically(file(name, revision.number), JSON.stringify(revision));
        known.add(revision.number);
      }
      await writeAtomically(join(folder, name, "state.json"), JSON.stringify(pointers));
      for (const number of known) {
        if (revisions.some((revision) => revision.number === number)) continue;
        await rm(file(name, number), { force: true });
        known.delete(number);
      }
    },
    async remove(name) {
      stored.delete(name);
      const doomed = join(folder, removed + name);
      try {
        // Out of sight first: what is half removed must not come back.
        await rm(doomed, { recursive: true, force: true });
        await rename(join(folder, name), doomed);
        await rm(doomed, { recursive: true, force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw asWriteError(error, join(folder, name));
      }
    },
  };
}

/**
 * @returns the revisions that stay when `revisions` (oldest first) has grown: the last ten, and the live one in any case
 */
export function keepRevisions(revisions: readonly Revision[], live: number | undefined): readonly Revision[] {
  const recent = revisions.slice(-kept);
  const serving = revisions.find((revision) => revision.number === live);
  return serving && !recent.includes(serving) ? [serving, ...recent.slice(1)] : recent;
}

/** @returns whether any API is stored, without reading them */
export async function hasStoredApis(folder: string): Promise<boolean> {
  return (await filesIn(folder)).some((name) => !name.startsWith("."));
}

async function loadRecord(folder: string, name: string): Promise<ApiRecord | undefined> {
  const files = await filesIn(join(folder, name));
  // Nobody else writes here: these are of an agent that was killed.
  const partial = files.filter((file) => file.endsWith(".partial"));
  await Promise.all(partial.map((file) => removeQuietly(join(folder, name, file))));
  const names = files.filter((file) => /^revision-\d+\.json$/.test(file));
  const read = await Promise.all(names.map((file) => readJson<Revision>(join(folder, name, file))));
  const revisions = read
    .filter((one) => one?.spec?.name === name)
    .toSorted((a, b) => a!.number - b!.number) as Revision[];
  const newest = revisions.at(-1);
  if (!newest) return undefined;
  const pointers = await readJson<Pointers>(join(folder, name, "state.json"));
  const isSound = Number.isInteger(pointers?.requested) && revisions.some((one) => one.number === pointers?.wanted);
  if (!pointers || !isSound) {
    return { name, revisions, wanted: newest.number, live: newest.number, requested: 1 };
  }
  return { name, revisions, ...pointers };
}

/** What cannot be removed now is no obstacle. */
async function removeQuietly(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}

async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as T;
  } catch {
    return undefined;
  }
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}
