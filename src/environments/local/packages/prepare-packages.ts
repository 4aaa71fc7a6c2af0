import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { CortexError } from "../../../core/errors.ts";
import { findPython, type Python, type Variables } from "../../../packages/find-python.ts";
import { readDotEnv } from "../../../packages/project-variables.ts";
import { type Requirements, readRequirements } from "../../../packages/requirements.ts";
import { type LockedWheel, type RuntimeFiles, readWheelsLock, unpackWheels } from "../../../packages/runtime-wheels.ts";
import { checkInstalled } from "../../../packages/tested-versions.ts";
import { asWriteError, makePrivateFolder, writeAtomically } from "../../../platform/files.ts";
import { takeLock } from "../../../platform/lock.ts";
import { waitForLock } from "../../../platform/wait-for-lock.ts";
import type { Handler } from "../../../spec/api.ts";
import { environmentKey } from "./environment-key.ts";
import { install } from "./install.ts";
import type { PythonEnvironment } from "./python-environment.ts";
import { makeVenv, venvPaths } from "./virtual-environment.ts";

export type { RuntimeFiles } from "../../../packages/runtime-wheels.ts";
export type { PythonEnvironment } from "./python-environment.ts";

export interface PackagesRequest {
  readonly home: string;
  /** The project, as the replica will see it. */
  readonly projectDir: string;
  readonly handler: Handler;
  readonly runtime: RuntimeFiles;
  /** The process environment: PATH, CORTEX_PYTHON, what pip and uv read. */
  readonly variables: Variables;
}

/** What an environment is made from. */
interface Ingredients extends PackagesRequest {
  readonly python: Python;
  readonly wheels: readonly LockedWheel[];
  readonly requirements: Requirements | undefined;
  readonly script: string | undefined;
  readonly dotEnv: Readonly<Record<string, string>>;
}

/** Is written last: an environment without it is one whose making was cut short. */
const stampName = "complete.json";
const dayMs = 24 * 3600_000;

/**
 * Makes the environment that a handler runs in, or finds the one that was made from the same. Two that want the same at
 * once, in one process or two, make it once.
 * @param onProgress gets lines for people, none when it is there already
 * @throws PYTHON_UNUSABLE, PACKAGES_FAILED, NOT_SUPPORTED, PROJECT_INVALID, FILE_NOT_FOUND, DISK_FULL, NOT_WRITABLE
 */
export async function preparePackages(
  request: PackagesRequest,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<PythonEnvironment> {
  const { home, projectDir, handler, runtime, variables } = request;
  const [requirements, scriptBytes, dotEnv, wheels] = await Promise.all([
    readProjectRequirements(projectDir, handler),
    readNamed(projectDir, handler.dependencies.shell, "dependencies.sh"),
    readDotEnv(projectDir),
    readWheelsLock(runtime),
    refuseConda(projectDir, handler.dependencies.conda),
  ]);
  const python = await findPython(variables, signal, join(packagesFolder(home), "interpreters.json"));
  const values = { ...handler.env, ...dotEnv };
  const key = await environmentKey({ python, projectDir, requirements, script: scriptBytes, values });
  const script = scriptBytes && handler.dependencies.shell;
  const wheelsDir = await unpackWheels({ home, runtime, wheels, python }, signal);
  const ingredients = { ...request, python, wheels, requirements, script, dotEnv };
  const interpreter = await ensureEnvironment(key, ingredients, onProgress, signal);
  return { key, python: interpreter, wheelsDir };
}

/**
 * Removes environments that none of `keysInUse` names and that nobody asked for during `unusedMs`: making one again may
 * take minutes, so those of APIs that are gone for a moment stay. One that is being made is left alone.
 */
export async function removeUnusedPackages(
  home: string,
  keysInUse: ReadonlySet<string>,
  unusedMs = 7 * dayMs,
): Promise<void> {
  const folder = packagesFolder(home);
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (name.includes(".removed-")) await rm(path, { recursive: true, force: true });
    if (!/^[0-9a-f]{32}$/.test(name) || keysInUse.has(name)) continue;
    const used = await stat(join(path, stampName)).catch(() => stat(path).catch(() => undefined));
    if (!used || Date.now() - used.mtimeMs < unusedMs) continue;
    const lock = takeLock(`${path}.lock`);
    if (!lock) continue;
    try {
      // Moved away first: what is half removed must not be found.
      const removed = `${path}.removed-${randomBytes(4).toString("hex")}`;
      await rename(path, removed);
      await rm(removed, { recursive: true, force: true });
    } finally {
      lock.release();
    }
    await rm(`${path}.lock`, { force: true });
  }
}

function packagesFolder(home: string): string {
  return join(home, "packages");
}

async function ensureEnvironment(
  key: string,
  ingredients: Ingredients,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const folder = join(packagesFolder(ingredients.home), key);
  const paths = venvPaths(folder, ingredients.python);
  if (await isComplete(folder, paths.python)) return paths.python;
  await makePrivateFolder(packagesFolder(ingredients.home));
  using _lock = await waitForLock(`${folder}.lock`, signal, () =>
    onProgress("waiting for the same packages to be installed"),
  );
  if (await isComplete(folder, paths.python)) return paths.python;
  try {
    await rm(folder, { recursive: true, force: true });
    await build(folder, ingredients, onProgress, signal);
    await writeAtomically(join(folder, stampName), JSON.stringify({ python: ingredients.python }));
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    throw asWriteError(error, folder);
  }
  return paths.python;
}

async function build(
  folder: string,
  ingredients: Ingredients,
  onProgress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { python, requirements, script, handler } = ingredients;
  await makePrivateFolder(folder);
  const venv = await makeVenv(folder, python, signal);
  if (!requirements && !script) return;
  await install({ ...ingredients, venvPython: venv.python, env: handler.env, onProgress }, signal);
  await checkInstalled(venv.sitePackages, requirements);
}

/**
 * Also says that the environment is in use, see `removeUnusedPackages`.
 * @param interpreter a link to the one that it was made with, which somebody may have removed
 */
async function isComplete(folder: string, interpreter: string): Promise<boolean> {
  if (!existsSync(interpreter)) return false;
  try {
    await utimes(join(folder, stampName), new Date(), new Date());
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    // A home that is read-only by now may still serve what was made before.
    return stat(join(folder, stampName)).then(
      () => true,
      () => false,
    );
  }
}

async function readProjectRequirements(
  projectDir: string,
  { dependencies }: Handler,
): Promise<Requirements | undefined> {
  if (dependencies.pip !== "requirements.txt") await readNamed(projectDir, dependencies.pip, "requirements.txt");
  return readRequirements(projectDir, dependencies.pip);
}

/** @returns undefined when there is no such file. @throws FILE_NOT_FOUND when the user has named it */
async function readNamed(projectDir: string, name: string, usualName: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(projectDir, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    if (name === usualName) return undefined;
    throw new CortexError("FILE_NOT_FOUND", `there is no file ${name}`, {
      hint: "paths under dependencies are relative to the folder of cortex.yaml; is it left out by .cortexignore?",
      cause: error,
    });
  }
}

async function refuseConda(projectDir: string, name: string): Promise<void> {
  const usualName = "conda-packages.txt";
  const isThere = await stat(join(projectDir, name)).then(
    () => true,
    () => false,
  );
  if (!isThere && name === usualName) return;
  throw new CortexError("NOT_SUPPORTED", `packages of conda are not supported (${name})`, {
    hint: "list them in requirements.txt under the names that they have on PyPI, and remove the file",
  });
}
