import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { renameSync } from "node:fs";
import { access, chmod, chown, constants, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CortexError } from "../core/errors.ts";
import { asWriteError } from "../platform/files.ts";
import { isAlive } from "../platform/processes.ts";

/** @throws NOT_WRITABLE unless files in the folder of `executable` may be replaced by this user */
export async function checkWritable(executable: string): Promise<void> {
  try {
    await access(dirname(executable), constants.W_OK);
  } catch (cause) {
    throw notReplaceable(executable, cause);
  }
}

function notReplaceable(executable: string, cause: unknown): CortexError {
  const isReadOnly = (cause as NodeJS.ErrnoException).code === "EROFS";
  const why = isReadOnly ? "is on a read-only file system" : "may not be written";
  const asOwner =
    process.platform === "win32" ? "run it in a terminal of an administrator" : `\`sudo "${executable}" upgrade\``;
  return new CortexError("NOT_WRITABLE", `cannot replace ${executable}: ${dirname(executable)} ${why}`, {
    hint: `${isReadOnly ? "" : `${asOwner}, or `}install another one into a folder of yours`,
    cause,
  });
}

/**
 * Does `work` in a new folder beside the program, on the same disk, so that what is made in it can be moved to where the program lies
 * in one step. It is removed at the end; what a process left that was killed is removed first.
 * @throws NOT_WRITABLE, DISK_FULL, and what `work` throws
 */
export async function withFolderBeside(executable: string, work: (folder: string) => Promise<void>): Promise<void> {
  let folder: string | undefined;
  try {
    await removeLeftFolders(dirname(executable));
    folder = await mkdtemp(join(dirname(executable), `${folderPrefix}${process.pid}-`));
    await work(folder);
  } catch (error) {
    if (["EROFS", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) {
      throw notReplaceable(executable, error);
    }
    throw asWriteError(error, executable);
  } finally {
    // What became of the work is what a user is told; what stays here is removed the next time.
    if (folder !== undefined) await removeQuietly(folder);
  }
}

const folderPrefix = ".cortex-upgrade-";

async function removeLeftFolders(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = /^(\d+)-\w{6}$/.exec(name.startsWith(folderPrefix) ? name.slice(folderPrefix.length) : "")?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) await removeQuietly(join(folder, name));
  }
}

async function removeQuietly(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 2 }).catch(() => {});
}

/**
 * Whether a program starts on this machine and is the version that it should be.
 * @throws FAILED with what it printed
 */
export async function checkStarts(program: string, version: string, signal: AbortSignal): Promise<void> {
  const printed = await new Promise<string>((resolve) => {
    execFile(program, ["--version"], { timeout: 30_000, windowsHide: true, signal }, (error, stdout, stderr) =>
      resolve(error ? `${stderr.trim() || error.message}` : stdout.trim()),
    );
  });
  signal.throwIfAborted();
  if (printed === `cortex ${version}`) return;
  throw new CortexError("FAILED", `the program that was downloaded does not run here as cortex ${version}`, {
    details: printed,
    hint: "nothing was changed",
  });
}

/** Gives `program`, in the same folder, the place and the mode of `executable`, which may be running. */
export async function replaceProgram(executable: string, program: string, platform: string): Promise<void> {
  const { mode, uid, gid } = await stat(executable);
  if (platform === "win32") return replaceOnWindows(executable, program);
  await chmod(program, mode & 0o7777);
  const made = await stat(program);
  if (made.uid !== uid || made.gid !== gid) await chown(program, uid, gid).catch(() => {});
  await rename(program, executable);
}

/**
 * A program that runs can be renamed there, but neither removed nor written over: it is put aside, and removed a next time. Nothing
 * else of this process comes between the two renames; after a crash of the machine there, the program is found under the other name.
 */
async function replaceOnWindows(executable: string, program: string): Promise<void> {
  await removeAside(executable);
  const aside = `${executable}.${randomBytes(4).toString("hex")}.old`;
  renameSync(executable, aside);
  try {
    renameSync(program, executable);
  } catch (error) {
    renameSync(aside, executable);
    throw error;
  }
  await removeQuietly(aside);
}

async function removeAside(executable: string): Promise<void> {
  const folder = dirname(executable);
  const program = basename(executable);
  const isAside = (name: string) => name.startsWith(program) && /^\.[0-9a-f]{8}\.old$/.test(name.slice(program.length));
  await Promise.all((await readdir(folder)).filter(isAside).map((name) => removeQuietly(join(folder, name))));
}
