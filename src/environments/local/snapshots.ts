import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, readdir, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Project } from "../../core/environment.ts";
import { asWriteError, makePrivateFolder } from "../../platform/files.ts";
import { atMost } from "../../project/at-most.ts";
import { writeSnapshotFile } from "./snapshot-files.ts";

/** Files that are copied at the same time. */
const writers = 8;
const partial = ".partial-";

/** `<home>/local/snapshots/<digest>/` holds a project's files, `<home>/local/store/` those that are large, once each. */
function folders(home: string) {
  return { snapshots: join(home, "local", "snapshots"), store: join(home, "local", "store") };
}

/**
 * Keeps a project's files as they are now: an immutable tree, named by the project's digest, that is there as a whole or
 * not at all. Two programs may do this at once; one that is there already is only checked, and marked as young.
 * @returns the tree's folder
 * @throws PROJECT_INVALID when a file is no longer what `project` says, DISK_FULL, NOT_WRITABLE
 */
export async function storeSnapshot(home: string, project: Project, signal: AbortSignal): Promise<string> {
  const { snapshots, store } = folders(home);
  const folder = treeFolder(home, project.digest);
  if (await isWhole(folder, project, signal)) {
    await touch(folder);
    return folder;
  }
  await makePrivateFolder(snapshots);
  await makePrivateFolder(store);
  const building = join(snapshots, partial + randomBytes(8).toString("hex"));
  try {
    await makePrivateFolder(building);
    await makeFolders(building, project);
    const write = { root: project.root, folder: building, store };
    await atMost(writers, project.files, (file) => writeSnapshotFile(file, write, signal), signal);
    await putInPlace(building, folder, project, signal);
  } catch (error) {
    throw asWriteError(error, snapshots);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return folder;
}

/** @returns the folder of the snapshot with that digest, undefined when there is none */
export async function snapshotFolder(home: string, digest: string): Promise<string | undefined> {
  const folder = treeFolder(home, digest);
  return (await statIfThere(folder))?.isDirectory() ? folder : undefined;
}

/**
 * Removes snapshots that nobody uses, files that no snapshot holds, and what interrupted programs left behind.
 * @param olderThanMs spares what is younger: it may belong to a deploy that has not got so far as to say so
 */
export async function removeUnusedSnapshots(
  home: string,
  digestsInUse: ReadonlySet<string>,
  olderThanMs: number,
): Promise<void> {
  const { snapshots, store } = folders(home);
  const isOld = (stats: Stats | undefined) => stats !== undefined && stats.mtimeMs < Date.now() - olderThanMs;
  for (const name of await namesIn(snapshots)) {
    const folder = join(snapshots, name);
    if (!digestsInUse.has(name) && isOld(await statIfThere(folder))) await removeTree(folder, snapshots, isOld);
  }
  for (const name of await namesIn(store)) {
    const stats = await statIfThere(join(store, name));
    // One link is the store's own: no snapshot holds the file.
    if (stats?.nlink === 1 && isOld(stats)) await rm(join(store, name), { force: true });
  }
}

/** Takes the tree out of sight first, and puts it back when somebody marked it as young in that moment. */
async function removeTree(
  folder: string,
  snapshots: string,
  isOld: (stats: Stats | undefined) => boolean,
): Promise<void> {
  const aside = join(snapshots, partial + randomBytes(8).toString("hex"));
  await rename(folder, aside);
  if (isOld(await statIfThere(aside))) await rm(aside, { recursive: true, force: true });
  else await rename(aside, folder).catch(() => rm(aside, { recursive: true, force: true }));
}

/** Renames a finished tree to its place. One that is there already wins if it is whole, and gives way otherwise. */
async function putInPlace(building: string, folder: string, project: Project, signal: AbortSignal): Promise<void> {
  try {
    await rename(building, folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "EPERM") throw error;
    if (await isWhole(folder, project, signal)) return;
    const broken = `${building}-broken`;
    await rename(folder, broken);
    await rename(building, folder);
    await rm(broken, { recursive: true, force: true });
  }
}

/** A tree that a crash of the machine, or a handler, has damaged is not whole. */
async function isWhole(folder: string, project: Project, signal: AbortSignal): Promise<boolean> {
  if (!(await statIfThere(folder))) return false;
  const whole = await atMost(
    writers,
    project.files,
    async ({ path, bytes }) => {
      const stats = await statIfThere(join(folder, path));
      return stats?.isFile() === true && stats.size === bytes;
    },
    signal,
  );
  return whole.every(Boolean);
}

async function makeFolders(building: string, { files }: Project): Promise<void> {
  const parents = new Set(files.map(({ path }) => path.slice(0, Math.max(0, path.lastIndexOf("/")))));
  parents.delete("");
  for (const parent of parents) await makePrivateFolder(join(building, parent));
}

function treeFolder(home: string, digest: string): string {
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new Error(`not a digest: ${digest}`);
  return join(folders(home).snapshots, digest);
}

async function touch(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(absentAs<string[]>([]));
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(absentAs(undefined));
}

function absentAs<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return value;
    throw error;
  };
}
