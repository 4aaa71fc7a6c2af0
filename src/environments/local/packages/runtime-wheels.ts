import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CortexError } from "../../../core/errors.ts";
import { asWriteError, makePrivateFolder } from "../../../platform/files.ts";
import type { Python } from "./find-python.ts";
import { readZip } from "./unzip.ts";
import { wheelFits } from "./wheel-tags.ts";

/** Where the parts of Cortex that run in Python lie. */
export interface RuntimeFiles {
  /** Holds launch.py and wheels.lock. */
  readonly runtimeFolder: string;
  /** Holds the wheels that wheels.lock lists, as far as they were fetched. */
  readonly wheelsFolder: string;
}

export interface LockedWheel {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  /** Oldest and newest interpreter that it is meant for, e.g. "3.9"; null for no bound. */
  readonly minPython: string | null;
  readonly maxPython: string | null;
  /** Of a wheel that only makes the runtime faster, and may not have been fetched; null for those it needs. */
  readonly platform: string | null;
}

const hourMs = 3600_000;
const unusedMs = 30 * 24 * hourMs;

/** @returns the wheels that belong to this version of the runtime, for any interpreter */
export async function readWheelsLock({ runtimeFolder }: RuntimeFiles): Promise<readonly LockedWheel[]> {
  const text = await readFile(join(runtimeFolder, "wheels.lock"), "utf8");
  return (JSON.parse(text) as { readonly wheels: readonly LockedWheel[] }).wheels;
}

/**
 * Unpacks the runtime's packages for `python`, once per set of wheels.
 * @param wheels those of wheels.lock
 * @returns a folder for `sys.path`
 * @throws DISK_FULL, NOT_WRITABLE; FAILED when a wheel is missing; Error when one is damaged
 */
export async function unpackWheels(
  home: string,
  runtime: RuntimeFiles,
  wheels: readonly LockedWheel[],
  python: Python,
): Promise<string> {
  const chosen = wheels.filter((wheel) => wheel.name !== "pip" && isMeantFor(wheel, python, runtime));
  const tag = `cp${python.major}${python.minor}${python.abiFlags}`;
  const digest = createHash("sha256")
    .update(
      chosen
        .map((wheel) => wheel.sha256)
        .sort()
        .join("\n"),
    )
    .digest("hex");
  const folder = join(home, "runtime", `${digest.slice(0, 16)}-${tag}`);
  if (await isFolder(folder)) {
    // Says that it is in use, see `removeOldWheels`.
    await utimes(folder, new Date(), new Date()).catch(() => {});
    return folder;
  }
  try {
    await makePrivateFolder(dirname(folder));
    const partial = await mkdtemp(join(dirname(folder), "partial-"));
    try {
      await Promise.all(
        chosen.map((wheel) => unpackWheel(join(runtime.wheelsFolder, wheel.file), wheel.sha256, partial)),
      );
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      // Another process was faster.
      if (!(await isFolder(folder))) throw error;
    }
  } catch (error) {
    throw asWriteError(error, folder);
  }
  await removeOldWheels(dirname(folder));
  return folder;
}

function isMeantFor(wheel: LockedWheel, python: Python, { wheelsFolder }: RuntimeFiles): boolean {
  const minor = (bound: string) => Number(bound.split(".")[1]);
  const isInRange =
    (wheel.minPython === null || python.minor >= minor(wheel.minPython)) &&
    (wheel.maxPython === null || python.minor <= minor(wheel.maxPython));
  const isThere = wheel.platform === null || existsSync(join(wheelsFolder, wheel.file));
  return isInRange && wheelFits(wheel.file, python) && isThere;
}

async function unpackWheel(file: string, sha256: string, folder: string): Promise<void> {
  const archive = await readWheel(file);
  if (createHash("sha256").update(archive).digest("hex") !== sha256) throw new Error(`${file} is damaged`);
  const entries = readZip(archive).flatMap(({ path, read }) => {
    const installed = installedPath(path);
    return installed === undefined ? [] : [{ target: join(folder, installed), read }];
  });
  for (const parent of new Set(entries.map(({ target }) => dirname(target)))) await mkdir(parent, { recursive: true });
  await Promise.all(entries.map(async ({ target, read }) => writeFile(target, await read())));
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
const sources = /\.(pyx|pxd|pxi|pyi|c|h)$/;

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
