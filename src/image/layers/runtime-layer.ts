import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isWheelFor, type LockedWheel, readWheelsLock } from "../../packages/runtime-wheels.ts";
import { sources } from "../../packages/unpack-wheels.ts";
import { makePrivateFolder } from "../../platform/files.ts";
import { imageFolders } from "../image.ts";
import { type Fetching, fetchLocked } from "../packages/fetch-packages.ts";
import { normalise } from "../packages/installed-files.ts";
import { openWheels } from "../packages/wheels.ts";
import { type BlobStore, type Layer, layerFormat } from "./blob-store.ts";
import { type TarEntry, withFolders } from "./tar-writer.ts";

interface RuntimeFile {
  readonly path: string;
  readonly content: Buffer;
}

/**
 * Makes the layer of what serves a handler: the runtime and the packages that it needs.
 * @throws DISK_FULL, NOT_WRITABLE; Error when this installation is damaged
 */
export async function runtimeLayer(
  store: BlobStore,
  fetching: Fetching,
  onNotice: (message: string) => void,
  signal: AbortSignal,
): Promise<Layer> {
  const { runtime, target } = fetching;
  const [files, locked] = await Promise.all([readRuntime(runtime.runtimeFolder), readWheelsLock(runtime)]);
  const wanted = locked.filter((wheel) => isWheelFor(wheel, target));
  const found = await store.find(keyOf(files, wanted));
  if (found) return found;
  const { paths, missing } = await findWheels(wanted, fetching, signal);
  if (missing.length > 0) {
    onNotice(
      `the image will serve without ${missing.map(({ name }) => name).join(" and ")}, which make it faster: they could not be fetched`,
    );
  }
  const present = wanted.filter((wheel) => !missing.includes(wheel));
  return store.layer(keyOf(files, present), () => entriesOf(files, paths), signal);
}

async function* entriesOf(files: readonly RuntimeFile[], wheels: readonly string[]): AsyncGenerator<TarEntry> {
  await using opened = await openWheels(wheels);
  const packages = await normalise(opened.files.filter(({ path }) => !sources.test(path) && !path.startsWith("bin/")));
  yield* withFolders([
    ...files.map(({ path, content }): TarEntry => {
      const place = `${imageFolders.runtime.slice(1)}/${path}`;
      return { type: "file", path: place, bytes: content.length, executable: false, open: () => [content] };
    }),
    ...packages.map((file): TarEntry => {
      const { bytes, executable } = file;
      const path = `${imageFolders.wheels.slice(1)}/${file.path}`;
      return { type: "file", path, bytes, executable, open: () => file.open() };
    }),
  ]);
}

/** Python files alone: what else lies there is for making them. */
async function readRuntime(folder: string): Promise<RuntimeFile[]> {
  const names = await readdir(folder, { recursive: true });
  const paths = names.map((name) => name.replaceAll("\\", "/")).filter((name) => /\.py$|(?:^|\/)py\.typed$/.test(name));
  return Promise.all(paths.sort().map(async (path) => ({ path, content: await readFile(join(folder, path)) })));
}

/** Those for another platform than this one did not come with Cortex: they are fetched, once. */
async function findWheels(
  wanted: readonly LockedWheel[],
  fetching: Fetching,
  signal: AbortSignal,
): Promise<{ paths: string[]; missing: readonly LockedWheel[] }> {
  const { home, runtime } = fetching;
  const own = join(home, "images", "wheels");
  const place = ({ file, platform }: LockedWheel) =>
    [join(runtime.wheelsFolder, file), join(own, file)].find((path) => existsSync(path)) ??
    (platform === null ? join(runtime.wheelsFolder, file) : undefined);
  const absent = wanted.filter((wheel) => place(wheel) === undefined);
  if (absent.length > 0) await fetchMissing(absent, own, fetching, signal);
  const missing = absent.filter((wheel) => place(wheel) === undefined);
  const paths = wanted.map(place).filter((path) => path !== undefined);
  await Promise.all(wanted.map((wheel) => verify(wheel, place(wheel))));
  return { paths: paths.sort(), missing };
}

async function fetchMissing(
  absent: readonly LockedWheel[],
  folder: string,
  fetching: Fetching,
  signal: AbortSignal,
): Promise<void> {
  await makePrivateFolder(folder);
  const partial = join(folder, `partial-${process.pid}`);
  try {
    await mkdir(join(partial, "found"), { recursive: true });
    const lines = absent.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}`);
    await fetchLocked(lines, join(partial, "wheels.txt"), join(partial, "found"), fetching, signal);
    for (const { file } of absent) {
      await rename(join(partial, "found", file), join(folder, file)).catch(() => {});
    }
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function verify({ sha256 }: LockedWheel, path: string | undefined): Promise<void> {
  if (path === undefined) return;
  const content = await readFile(path);
  if (createHash("sha256").update(content).digest("hex") !== sha256) throw new Error(`${path} is damaged`);
}

function keyOf(files: readonly RuntimeFile[], wheels: readonly LockedWheel[]): string {
  const hash = createHash("sha256").update(`runtime ${layerFormat} ${imageFolders.runtime} ${imageFolders.wheels}\n`);
  for (const { path, content } of files) hash.update(`${path}\0${content.length}\0`).update(content);
  hash.update(
    wheels
      .map(({ sha256 }) => sha256)
      .sort()
      .join("\n"),
  );
  return hash.digest("hex");
}
