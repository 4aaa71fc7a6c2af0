import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Revision } from "../../../core/environment.ts";
import { writeAtomically } from "../../../platform/files.ts";

/** Revisions kept per API. */
const kept = 10;

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
      const names = (await filesIn(folder)).filter((name) => !name.startsWith("."));
      const records = await Promise.all(names.map((name) => loadRecord(folder, name)));
      const found = records.filter((record) => record !== undefined);
      for (const record of found) stored.set(record.name, new Set(record.revisions.map((one) => one.number)));
      return found;
    },
    async save({ name, revisions, ...pointers }) {
      const known = stored.get(name) ?? new Set();
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
      // The state goes first: what is left after a crash between the two still says all there is to say.
      await rm(join(folder, name), { recursive: true, force: true });
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
  const names = (await filesIn(join(folder, name))).filter((file) => /^revision-\d+\.json$/.test(file));
  const read = await Promise.all(names.map((file) => readJson<Revision>(join(folder, name, file))));
  const revisions = read
    .filter((one) => one?.spec?.name === name)
    .toSorted((a, b) => a!.number - b!.number) as Revision[];
  const newest = revisions.at(-1);
  if (!newest) return undefined;
  const pointers = await readJson<Pointers>(join(folder, name, "state.json"));
  if (!pointers || !revisions.some((one) => one.number === pointers.wanted)) {
    return { name, revisions, wanted: newest.number, live: newest.number, requested: 1 };
  }
  return { name, revisions, ...pointers };
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
