import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { CortexError } from "../core/errors.ts";

/**
 * Makes `folder` and what leads to it, for this user alone. One by one: told to make several at once Node names a wrong
 * cause where the file system is read-only, and never ends where the kernel makes the folders, as in /proc.
 * @throws NOT_WRITABLE, DISK_FULL
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    const cause = noFolderHere[(error as NodeJS.ErrnoException).code ?? ""];
    if (!cause) throw asWriteError(error, folder);
    throw new CortexError("NOT_WRITABLE", `cannot make the folder ${folder}: ${cause}`, {
      hint: otherHome,
      cause: error,
    });
  }
}

const noFolderHere: Readonly<Record<string, string>> = {
  ENOENT: "none can be made there",
  ENOTDIR: "a part of its path is a file",
  EEXIST: "a file has its name",
  ELOOP: "its path is a circle of links",
  ENAMETOOLONG: "its path is too long",
};
const otherHome = "set CORTEX_HOME to a folder that you may write";

async function makeFolder(folder: string): Promise<void> {
  const make = () => mkdir(folder, { mode: 0o700 });
  try {
    await make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(folder) !== folder) {
      await makeFolder(dirname(folder));
      await make().catch(unlessThere(folder));
    } else await unlessThere(folder)(error);
  }
}

/** A folder that is there, or that somebody else made meanwhile, is what was wanted; whatever mkdir says of it. */
function unlessThere(folder: string): (error: unknown) => Promise<void> {
  return async (error) => {
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) throw error;
  };
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
        hint: otherHome,
        cause: error,
      },
    );
  }
  return error;
}
