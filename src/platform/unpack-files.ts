import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";
import { asWriteError, makePrivateFolder } from "./files.ts";
import { isAlive } from "./processes.ts";
import { waitForLock } from "./wait-for-lock.ts";

/** Files that lie in one piece of memory. */
export interface PackedFiles {
  /** Path, with forward slashes, to where its bytes begin, how many they are, and 1 where they are deflated. */
  readonly index: Readonly<Record<string, readonly [offset: number, length: number, isDeflated: 0 | 1]>>;
  readonly bytes: Buffer;
}

const hourMs = 3600_000;
const usersName = ".users";
const partialPrefix = "partial-";

/**
 * Unpacks what belongs to a build into a folder of `root`, unless it is there, and removes those of builds that no process uses
 * any more. It is there wholly or not at all, also with two at once, and stays for as long as this process runs.
 * @param build names the folder
 * @returns the folder
 * @throws DISK_FULL, NOT_WRITABLE
 */
export async function unpackFiles(
  root: string,
  build: string,
  files: PackedFiles,
  signal: AbortSignal,
): Promise<string> {
  const folder = join(root, build);
  if (await markUsed(folder)) return folder;
  try {
    await makePrivateFolder(root);
    using _lock = await waitForLock(join(root, "unpack.lock"), signal);
    if (await markUsed(folder)) return folder;
    const partial = await mkdtemp(join(root, partialPrefix));
    try {
      await writeFiles(partial, files);
      await mkdir(join(partial, usersName), { mode: 0o700 });
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true }).catch(() => {});
      throw error;
    }
    await markUsed(folder);
    await removeOthers(root, build);
  } catch (error) {
    throw asWriteError(error, root);
  }
  return folder;
}

async function writeFiles(folder: string, { index, bytes }: PackedFiles): Promise<void> {
  const paths = Object.keys(index);
  for (const parent of new Set(paths.map((path) => dirname(join(folder, path))))) {
    await mkdir(parent, { recursive: true, mode: 0o700 });
  }
  for (const path of paths) {
    const [offset, length, isDeflated] = index[path]!;
    const stored = bytes.subarray(offset, offset + length);
    // On the disk before the folder gets its name: after a crash of the machine it would else be whole by its name alone.
    const options = { mode: 0o600, flush: true };
    await writeFile(join(folder, path), isDeflated ? await promisify(inflateRaw)(stored) : stored, options);
  }
}

/** Notes that this process uses `folder`, before it looks for it. @returns whether it is there */
async function markUsed(folder: string): Promise<boolean> {
  try {
    await writeFile(join(folder, usersName, String(process.pid)), "", { mode: 0o600 });
    await utimes(folder, new Date(), new Date());
    await liveUsers(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    // Whoever cannot write here cannot remove it either.
    return (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
  }
}

/** Removes the notes of processes that are gone. @returns whether one is left */
async function liveUsers(folder: string): Promise<boolean> {
  const users = join(folder, usersName);
  let isUsed = false;
  for (const name of await readdir(users).catch(() => [])) {
    if (isAlive(Number(name))) isUsed = true;
    else await rm(join(users, name), { force: true });
  }
  return isUsed;
}

/** Other builds that nobody uses, and what was left half-made. Each is moved away first, so that no half of it is found. */
async function removeOthers(root: string, build: string): Promise<void> {
  for (const name of await readdir(root)) {
    const path = join(root, name);
    const info = await stat(path).catch(() => undefined);
    if (name === build || !info?.isDirectory() || Date.now() - info.mtimeMs < hourMs) continue;
    if (await liveUsers(path)) continue;
    const removed = name.startsWith(partialPrefix) ? path : join(root, `${partialPrefix}${name}`);
    await rename(path, removed).catch(() => {});
    // Somebody may have begun to use it meanwhile.
    if (removed !== path && (await liveUsers(removed))) await rename(removed, path).catch(() => {});
    else await rm(removed, { recursive: true, force: true }).catch(() => {});
  }
}
