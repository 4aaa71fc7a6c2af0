import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CortexError } from "../core/errors.ts";
import { asWriteError, makePrivateFolder } from "../platform/files.ts";
import { waitForLock } from "../platform/wait-for-lock.ts";
import { readZip } from "./unzip.ts";

export interface WheelFile {
  readonly path: string;
  /** Of its content, hex; undefined for one that nobody vouches for but the system that it belongs to. */
  readonly sha256: string | undefined;
}

const hourMs = 3600_000;
const unusedMs = 30 * 24 * hourMs;

/**
 * Unpacks `wheels` into `folder` unless it is there already; it is there wholly or not at all, also with two at once.
 * @returns `folder`
 * @throws DISK_FULL, NOT_WRITABLE; FAILED when a wheel is missing; Error when one is damaged
 */
export async function unpackOnce(folder: string, wheels: readonly WheelFile[], signal: AbortSignal): Promise<string> {
  if (await isFolder(folder)) {
    // Says that it is in use, see `removeOldWheels`.
    await utimes(folder, new Date(), new Date()).catch(() => {});
    return folder;
  }
  try {
    await makePrivateFolder(dirname(folder));
    // Many replicas that start at once need the same, and each set that is inflated takes tens of megabytes.
    using _lock = await waitForLock(`${folder}.lock`, signal);
    if (await isFolder(folder)) return folder;
    const partial = await mkdtemp(join(dirname(folder), "partial-"));
    try {
      await unpackAll(wheels, partial);
      await rename(partial, folder);
    } catch (error) {
      // What cannot be removed either goes with the next that is unpacked, and does not hide why.
      await rm(partial, { recursive: true, force: true }).catch(() => {});
      // Another process was faster.
      if (!(await isFolder(folder))) throw error;
    }
  } catch (error) {
    throw asWriteError(error, folder);
  }
  await removeOldWheels(dirname(folder));
  return folder;
}

async function unpackAll(wheels: readonly WheelFile[], folder: string): Promise<void> {
  await untilAll(wheels.map((wheel) => unpackWheel(wheel, folder)));
}

/** Waits for all, also when one fails: nothing may be written after that. @throws why the first of them failed */
async function untilAll(works: readonly Promise<void>[]): Promise<void> {
  for (const one of await Promise.allSettled(works)) if (one.status === "rejected") throw one.reason;
}

async function unpackWheel({ path: file, sha256 }: WheelFile, folder: string): Promise<void> {
  const archive = await readWheel(file);
  const isDamaged = sha256 !== undefined && createHash("sha256").update(archive).digest("hex") !== sha256;
  if (isDamaged) throw new Error(`${file} is damaged`);
  const entries = readZip(archive).flatMap(({ path, read }) => {
    const installed = installedPath(path);
    return installed === undefined ? [] : [{ target: join(folder, installed), read }];
  });
  for (const parent of new Set(entries.map(({ target }) => dirname(target)))) await mkdir(parent, { recursive: true });
  await untilAll(entries.map(async ({ target, read }) => writeFile(target, await read())));
}

async function readWheel(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CortexError("FAILED", `this installation of Cortex is not whole: ${file} is missing`, {
      hint: "install Cortex again; in a checkout of its source: npm run build",
      cause: error,
    });
  }
}

/** What only compilers and type checkers read. */
export const sources = /\.(pyx|pxd|pxi|pyi|c|h)$/;

/** @returns where a wheel's file belongs in `sys.path`, undefined for scripts, sources of compiled code and the like */
function installedPath(path: string): string | undefined {
  if (path.startsWith("/") || path.split("/").includes("..")) throw new Error(`a wheel holds ${path}`);
  const data = /^[^/]+\.data\/([^/]+)\/(.+)$/.exec(path);
  if (sources.test(path)) return undefined;
  if (!data) return path;
  return data[1] === "purelib" || data[1] === "platlib" ? data[2] : undefined;
}

/** Removes what other versions left and nobody used for long, and what a crash left half-made. */
async function removeOldWheels(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    const age = Date.now() - (info?.mtimeMs ?? Date.now());
    if (age > (name.startsWith("partial-") ? hourMs : unusedMs)) await rm(path, { recursive: true, force: true });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
