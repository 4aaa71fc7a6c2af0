import { mkdir, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { asWriteError, makePrivateFolder, writeAtomically } from "../platform/files.ts";

/** Writes what `change` gives as JSON into `file`; whoever else rewrites it meanwhile waits. @throws DISK_FULL, NOT_WRITABLE */
export async function rewrite<T>(file: string, change: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return withLock(`${file}.lock`, signal, async () => {
    const changed = await change();
    await writeAtomically(file, `${JSON.stringify(changed, null, 2)}\n`);
    return changed;
  });
}

const lockRetryMs = 20;
/** A writer holds the lock for milliseconds; one that is older was left by a process that died. */
const lockExpiryMs = 5_000;

async function withLock<T>(lock: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  await makePrivateFolder(dirname(lock));
  while (!(await takeLock(lock))) await sleep(lockRetryMs, undefined, { signal });
  try {
    return await work();
  } finally {
    await rmdir(lock).catch(() => {});
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw asWriteError(error, lock);
    const held = await stat(lock).catch(() => undefined);
    if (held && Date.now() - held.mtimeMs > lockExpiryMs) await rmdir(lock).catch(() => {});
    return false;
  }
}
