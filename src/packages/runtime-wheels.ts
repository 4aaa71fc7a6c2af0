import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Python } from "./find-python.ts";
import { unpackOnce } from "./unpack-wheels.ts";
import { type WheelTarget, wheelFits } from "./wheel-tags.ts";

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

export interface WheelsFor {
  readonly home: string;
  readonly runtime: RuntimeFiles;
  /** Those of wheels.lock. */
  readonly wheels: readonly LockedWheel[];
  readonly python: Python;
}

/** @returns the wheels that belong to this version of the runtime, for any interpreter */
export async function readWheelsLock({ runtimeFolder }: RuntimeFiles): Promise<readonly LockedWheel[]> {
  const text = await readFile(join(runtimeFolder, "wheels.lock"), "utf8");
  return (JSON.parse(text) as { readonly wheels: readonly LockedWheel[] }).wheels;
}

/**
 * Unpacks the runtime's packages for `python`, once per set of wheels.
 * @returns a folder for `sys.path`
 * @throws DISK_FULL, NOT_WRITABLE; FAILED when a wheel is missing; Error when one is damaged
 */
export async function unpackWheels({ home, runtime, wheels, python }: WheelsFor, signal: AbortSignal): Promise<string> {
  const chosen = wheels.filter((wheel) => isMeantFor(wheel, python, runtime));
  const hashes = chosen.map((wheel) => wheel.sha256).sort();
  const digest = createHash("sha256").update(hashes.join("\n")).digest("hex");
  const files = chosen.map(({ file, sha256 }) => ({ path: join(runtime.wheelsFolder, file), sha256 }));
  return unpackOnce(join(home, "runtime", `${digest.slice(0, 16)}-${pythonTag(python)}`), files, signal);
}

/**
 * Unpacks pip: run from its wheel it is compiled anew each time, which takes longer than most of what it does.
 * @returns what an interpreter runs as pip; undefined when neither Cortex nor that Python brings one along
 */
export async function unpackPip(
  { home, runtime: { wheelsFolder }, wheels, python }: WheelsFor,
  signal: AbortSignal,
): Promise<string | undefined> {
  const locked = wheels.find((wheel) => wheel.name === "pip");
  const own = locked && { path: join(wheelsFolder, locked.file), sha256: locked.sha256 };
  const others = python.pipWheel === null ? [] : [{ path: python.pipWheel, sha256: undefined }];
  const wheel = [...(own ? [own] : []), ...others].find(({ path }) => existsSync(path));
  if (!wheel) return undefined;
  const version = wheel.sha256?.slice(0, 16) ?? basename(wheel.path, ".whl");
  const folder = await unpackOnce(join(home, "runtime", `pip-${version}-${pythonTag(python)}`), [wheel], signal);
  return join(folder, "pip");
}

/** Compiled files are apart by interpreter, so that two of them never write the same ones. */
function pythonTag({ major, minor, abiFlags }: Python): string {
  return `cp${major}${minor}${abiFlags}`;
}

function isMeantFor(wheel: LockedWheel, python: Python, { wheelsFolder }: RuntimeFiles): boolean {
  const isThere = wheel.platform === null || existsSync(join(wheelsFolder, wheel.file));
  return isThere && isWheelFor(wheel, python);
}

/** @returns whether the runtime uses `wheel` with such an interpreter, wherever that is */
export function isWheelFor(wheel: LockedWheel, target: WheelTarget): boolean {
  const minor = (bound: string) => Number(bound.split(".")[1]);
  const isInRange =
    (wheel.minPython === null || target.minor >= minor(wheel.minPython)) &&
    (wheel.maxPython === null || target.minor <= minor(wheel.maxPython));
  return wheel.name !== "pip" && isInRange && wheelFits(wheel.file, target);
}
