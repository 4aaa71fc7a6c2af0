import { createHash, randomBytes } from "node:crypto";
import { copyFile, type FileHandle, link, lstat, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ProjectFile } from "../../core/environment.ts";
import { changedWhileRead, isSameFile } from "../../project/hash-file.ts";
import { openProjectFile } from "../../project/open-project-file.ts";

export interface SnapshotTarget {
  /** The project's own folder. */
  readonly root: string;
  /** The tree that is being built; the file's folder in it exists. */
  readonly folder: string;
  /** Where large files are kept once for all trees. */
  readonly store: string;
}

/** From here on a file is shared between snapshots instead of copied. */
const sharedFromBytes = 1 << 20;
const chunkBytes = 1 << 20;
const attempts = 2;

/**
 * Puts one file of a project into a tree, and makes sure that it is the file whose hash the project names.
 * @throws PROJECT_INVALID when it is not
 */
export async function writeSnapshotFile(file: ProjectFile, target: SnapshotTarget, signal: AbortSignal): Promise<void> {
  const path = join(target.folder, file.path);
  if (file.bytes < sharedFromBytes)
    await copyVerified(file, path, file.executable ? 0o700 : 0o600, target.root, signal);
  else await linkShared(file, path, target, signal);
}

/** Several trees share the same file on the disk, so that nobody may write to it. */
async function linkShared(file: ProjectFile, path: string, target: SnapshotTarget, signal: AbortSignal): Promise<void> {
  const mode = file.executable ? 0o500 : 0o400;
  const shared = join(target.store, file.executable ? `${file.sha256}.x` : file.sha256);
  const kept = await lstat(shared).catch(() => undefined);
  if (kept?.size !== file.bytes) {
    const partial = join(target.store, `.partial-${randomBytes(8).toString("hex")}`);
    try {
      await copyVerified(file, partial, mode, target.root, signal);
      if (kept) await rename(partial, shared);
      else await keepFirst(partial, shared);
    } finally {
      await rm(partial, { force: true });
    }
  }
  try {
    await link(shared, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") throw error;
    // It was removed as unused this moment, or the file system has no (or no more) hard links.
    if (code === "ENOENT") await copyVerified(file, path, mode, target.root, signal);
    else await copyFile(shared, path);
  }
}

/** Of several that store the same content at once the first one's copy stays, so that all trees share one. */
async function keepFirst(partial: string, shared: string): Promise<void> {
  try {
    await link(partial, shared);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") await rename(partial, shared);
  }
}

async function copyVerified(
  file: ProjectFile,
  to: string,
  mode: number,
  root: string,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const sha256 = await copyOnce(file.path, to, mode, root, signal);
    if (sha256 === file.sha256) return;
    await rm(to, { force: true });
  }
  throw changedWhileRead(file.path);
}

/** @returns the hash of what was copied; undefined when it changed meanwhile */
async function copyOnce(
  path: string,
  to: string,
  mode: number,
  root: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  await using source = await openSource(root, path);
  await using target = await open(to, "wx", mode);
  const before = await source.stat({ bigint: true });
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Number(before.size) + 1));
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await source.read(buffer, 0, buffer.length);
    if (bytesRead === 0) break;
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    await target.writeFile(piece);
  }
  // What is shared by hash must not be lost half-way by a machine that stops: many snapshots would have it so.
  if (before.size >= sharedFromBytes) await target.sync();
  const isStable = isSameFile(before, await source.stat({ bigint: true }));
  return isStable ? hash.digest("hex") : undefined;
}

async function openSource(root: string, path: string): Promise<FileHandle> {
  try {
    return await openProjectFile(root, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It was read a moment ago: that it is gone, or closed to us, means that somebody is at work there.
    if (code === "ENOENT" || code === "EACCES" || code === "EPERM" || code === "ENOTDIR") throw changedWhileRead(path);
    throw error;
  }
}
