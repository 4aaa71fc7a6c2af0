import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CortexError } from "../core/errors.ts";

/** Makes `folder` and what leads to it, for this user alone. */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asWriteError(await trueCause(error, folder), folder);
  }
}

/** Node says ENOENT when it makes several folders at once and the file system is read-only; one alone tells the truth. */
async function trueCause(error: unknown, folder: string): Promise<unknown> {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") return error;
  let missing = folder;
  while (!existsSync(dirname(missing)) && dirname(missing) !== missing) missing = dirname(missing);
  return mkdir(missing, { mode: 0o700 }).then(
    () => error,
    (cause: unknown) => cause,
  );
}

/**
 * Writes `data` so that readers see the old file or the new one, never a part; mode 0600 unless told otherwise.
 * @throws DISK_FULL, NOT_WRITABLE
 */
export async function writeAtomically(file: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  await makePrivateFolder(dirname(file));
  const partial = `${file}.${randomBytes(6).toString("hex")}.partial`;
  try {
    const handle = await open(partial, "wx", mode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (process.platform !== "win32") await chmod(partial, mode);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw asWriteError(error, file);
  }
}

/** @returns what a failed write means to a user; errors that say something else come back as they are */
export function asWriteError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new CortexError("DISK_FULL", `no space left on the disk that holds ${path}`, {
      hint: "free some space, then run the same command again",
      cause: error,
    });
  }
  if (code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return new CortexError(
      "NOT_WRITABLE",
      `cannot write ${path}: ${code === "EROFS" ? "the file system is read-only" : "permission denied"}`,
      {
        hint: "set CORTEX_HOME to a folder that you may write",
        cause: error,
      },
    );
  }
  return error;
}
