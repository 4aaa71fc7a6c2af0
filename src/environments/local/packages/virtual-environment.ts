import { execFile } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { CortexError } from "../../../core/errors.ts";
import type { Python } from "../../../packages/find-python.ts";

/** Paths in a virtual environment. */
export interface VenvPaths {
  readonly python: string;
  readonly sitePackages: string;
}

/** @returns where things are in the virtual environment at `folder` that `python` makes */
export function venvPaths(folder: string, { major, minor, abiFlags }: Python): VenvPaths {
  if (process.platform === "win32") {
    return { python: join(folder, "Scripts", "python.exe"), sitePackages: join(folder, "Lib", "site-packages") };
  }
  const library = `python${major}.${minor}${abiFlags}`;
  return { python: join(folder, "bin", "python"), sitePackages: join(folder, "lib", library, "site-packages") };
}

/**
 * Makes a virtual environment without pip. For CPython on Unix that is a few links and one file, which takes a hundredth
 * of the time that Python's own `venv` takes; it works where the system has split `venv` or `ensurepip` off, too.
 */
export async function makeVenv(folder: string, python: Python, signal: AbortSignal): Promise<VenvPaths> {
  const paths = venvPaths(folder, python);
  if (process.platform === "win32" || python.implementation !== "cpython") await runVenv(folder, python, signal);
  else await layOutVenv(folder, paths, python);
  return paths;
}

async function layOutVenv(
  folder: string,
  { python: interpreter, sitePackages }: VenvPaths,
  python: Python,
): Promise<void> {
  const scripts = dirname(interpreter);
  await mkdir(scripts, { recursive: true });
  await mkdir(sitePackages, { recursive: true });
  await symlink(python.executable, interpreter);
  const names = new Set(["python3", `python${python.major}.${python.minor}`, basename(python.executable)]);
  names.delete("python");
  for (const name of names) await symlink("python", join(scripts, name));
  // Some packages ask for platform-dependent files there on 64-bit Linux.
  if (process.platform === "linux") await symlink("lib", join(folder, "lib64"));
  const settings = {
    home: dirname(python.executable),
    "include-system-site-packages": "false",
    version: python.version,
    executable: python.executable,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
  await writeFile(join(folder, "pyvenv.cfg"), lines.join(""));
}

async function runVenv(folder: string, python: Python, signal: AbortSignal): Promise<void> {
  if (!python.hasVenv) {
    throw new CortexError("PYTHON_UNUSABLE", `${python.path} has no module venv`, {
      hint: "install that part of Python, or name another Python with CORTEX_PYTHON",
    });
  }
  const args = ["-I", "-m", "venv", "--without-pip", folder];
  await promisify(execFile)(python.executable, args, { signal, windowsHide: true });
}
