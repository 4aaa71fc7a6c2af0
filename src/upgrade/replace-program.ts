import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, chmod, chown, constants, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CortexError } from "../core/errors.ts";

/** @throws NOT_WRITABLE unless files in the folder of `executable` may be replaced by this user */
export async function checkWritable(executable: string): Promise<void> {
  const folder = dirname(executable);
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new CortexError("NOT_WRITABLE", `cannot replace ${executable}: ${folder} may not be written`, {
      hint: "run it as the user who installed it, or install another one into a folder of yours",
      cause,
    });
  }
}

/**
 * Whether a program starts on this machine and is the version that it should be.
 * @throws FAILED with what it printed
 */
export async function checkStarts(program: string, version: string): Promise<void> {
  const printed = await new Promise<string>((resolve) => {
    execFile(program, ["--version"], { timeout: 30_000, windowsHide: true }, (error, stdout, stderr) =>
      resolve(error ? `${stderr.trim() || error.message}` : stdout.trim()),
    );
  });
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

const asideSuffix = ".old";

/** A program that runs can be renamed there, but neither removed nor written over: it is put aside, and removed a next time. */
async function replaceOnWindows(executable: string, program: string): Promise<void> {
  await removeAside(executable);
  const aside = `${executable}.${randomBytes(4).toString("hex")}${asideSuffix}`;
  await rename(executable, aside);
  try {
    await rename(program, executable);
  } catch (error) {
    await rename(aside, executable);
    throw error;
  }
  await rm(aside, { force: true }).catch(() => {});
}

async function removeAside(executable: string): Promise<void> {
  const folder = dirname(executable);
  const isAside = (name: string) => name.startsWith(`${basename(executable)}.`) && name.endsWith(asideSuffix);
  const names = (await readdir(folder)).filter(isAside);
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true }).catch(() => {})));
}
