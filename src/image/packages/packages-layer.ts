import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { CortexError } from "../../core/errors.ts";
import { type Requirements, readRequirements } from "../../packages/requirements.ts";
import { checkTested } from "../../packages/tested-versions.ts";
import { makePrivateFolder } from "../../platform/files.ts";
import type { Handler } from "../../spec/api.ts";
import { imageFolders } from "../image.ts";
import { type BlobStore, type Layer, layerFormat, workFolder } from "../layers/blob-store.ts";
import { type TarEntry, withFolders } from "../layers/tar-writer.ts";
import { type Fetching, fetchPackages } from "./fetch-packages.ts";
import { type InstalledFile, normalise } from "./installed-files.ts";
import { refuseBuilds, refuseScript } from "./refusals.ts";
import type { Target } from "./target.ts";

/**
 * Makes the layer of the packages that a project asks for; without requirements there is none.
 * @param onInstalling called when it is not there yet
 * @throws PACKAGES_FAILED, NOT_SUPPORTED for what would have to run code, PROJECT_INVALID, FILE_NOT_FOUND, DISK_FULL
 */
export async function packagesLayer(
  store: BlobStore,
  requirements: Requirements | undefined,
  fetching: Fetching,
  onInstalling: () => void,
  signal: AbortSignal,
): Promise<Layer | undefined> {
  if (!requirements) return undefined;
  const key = await keyOf(requirements, fetching);
  const make = async function* (): AsyncGenerator<TarEntry, void, undefined> {
    const work = join(fetching.home, "images", workFolder, randomBytes(8).toString("hex"));
    try {
      onInstalling();
      await makePrivateFolder(join(work, "packages"));
      await using fetched = await fetchPackages(requirements, join(work, "packages"), fetching, signal);
      const files = await normalise(fetched.files);
      checkTested([...new Set(files.map(({ path }) => path.split("/")[0]!))], requirements);
      yield* withFolders(files.map(toEntry));
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  };
  return store.layer(key, make, signal);
}

/**
 * Reads what a project asks for.
 * @throws NOT_SUPPORTED for what would have to run code, PROJECT_INVALID, FILE_NOT_FOUND
 */
export async function readDependencies(
  projectDir: string,
  { dependencies }: Handler,
): Promise<Requirements | undefined> {
  const { pip, shell, conda } = dependencies;
  await Promise.all([
    refuseIfThere(projectDir, shell, shell === "dependencies.sh"),
    refuseIfThere(projectDir, conda, conda === "conda-packages.txt"),
  ]);
  const requirements = await readRequirements(projectDir, pip);
  if (!requirements && pip !== "requirements.txt" && !(await isThere(join(projectDir, pip)))) throw notThere(pip);
  if (requirements) refuseBuilds(requirements);
  return requirements;
}

async function refuseIfThere(projectDir: string, file: string, isUsualName: boolean): Promise<void> {
  if (await isThere(join(projectDir, file))) refuseScript(file);
  if (!isUsualName) throw notThere(file);
}

function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

function notThere(file: string): CortexError {
  return new CortexError("FILE_NOT_FOUND", `there is no file ${file}`, {
    hint: "paths under dependencies are relative to the folder of cortex.yaml",
  });
}

/** Values that may hold passwords count, but nobody gets them out of a hash. */
async function keyOf(requirements: Requirements, { projectDir, target, env, dotEnv }: Fetching): Promise<string> {
  const hash = createHash("sha256").update(`packages ${layerFormat} ${imageFolders.packages}\n${describe(target)}\n`);
  for (const { file, text } of requirements.lines) hash.update(`${file}\0${text}\n`);
  const settings = Object.entries({ ...env, ...dotEnv }).filter(([name]) => /^(PIP|UV)_/.test(name));
  hash.update(JSON.stringify(settings.sort()));
  for (const path of requirements.localPaths.filter((one) => one.endsWith(".whl"))) {
    hash.update(`${path}\0${await hashOf(join(projectDir, path))}\n`);
  }
  return hash.digest("hex");
}

function describe({ python, architecture, libc }: Target): string {
  return `${python} ${architecture} ${libc}`;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  if (!(await isThere(file))) return "nothing";
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function toEntry(file: InstalledFile): TarEntry {
  const { bytes, executable } = file;
  const path = `${imageFolders.packages.slice(1)}/${file.path}`;
  return { type: "file", path, bytes, executable, open: () => file.open() };
}
