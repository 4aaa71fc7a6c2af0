import { createHash } from "node:crypto";
import type { Project, ProjectFile } from "../../core/environment.ts";
import { changedWhileRead } from "../../project/hash-file.ts";
import { openProjectFile } from "../../project/open-project-file.ts";
import { imageFolders } from "../image.ts";
import { type BlobStore, type Layer, layerFormat } from "./blob-store.ts";
import { type TarEntry, withFolders } from "./tar-writer.ts";

/** From here on a file counts as large: a change of the code does not send it again. */
export const largeBytes = 10 * 2 ** 20;
/** So many of the largest files get a layer each; file systems of containers stack 127 at most. */
const mostLargeLayers = 16;
const chunkBytes = 1 << 20;

/**
 * Groups a project's files into layers: one for each large file, then one for all code. `.env` is in none: what it holds are
 * secrets.
 */
export function groupFiles(files: readonly ProjectFile[]): readonly (readonly ProjectFile[])[] {
  const deployed = files.filter(({ path }) => path !== ".env").sort(byPath);
  const large = deployed.filter(({ bytes }) => bytes >= largeBytes);
  const bySize = large.toSorted((a, b) => b.bytes - a.bytes || byPath(a, b));
  const alone = new Set(bySize.slice(0, mostLargeLayers));
  const rest = large.filter((file) => !alone.has(file));
  const code = deployed.filter(({ bytes }) => bytes < largeBytes);
  const groups = [...large.filter((file) => alone.has(file)).map((file) => [file]), rest, code];
  return groups.filter((group) => group.length > 0);
}

/** @param onPacking called for every layer that is not there yet. @throws PROJECT_INVALID when a file is no longer what `project` says, DISK_FULL, NOT_WRITABLE */
export async function projectLayers(
  store: BlobStore,
  project: Project,
  onPacking: () => void,
  signal: AbortSignal,
): Promise<Layer[]> {
  const layers: Layer[] = [];
  for (const files of groupFiles(project.files)) {
    const pack = () => {
      onPacking();
      return entriesOf(project.root, files, signal);
    };
    layers.push(await store.layer(keyOf(files), pack, signal));
  }
  return layers;
}

function keyOf(files: readonly ProjectFile[]): string {
  const hash = createHash("sha256").update(`project ${layerFormat} ${imageFolders.project}\n`);
  for (const { path, executable, sha256 } of files) hash.update(`${path}\0${executable ? "x" : "-"}\0${sha256}\n`);
  return hash.digest("hex");
}

async function* entriesOf(
  root: string,
  files: readonly ProjectFile[],
  signal: AbortSignal,
): AsyncGenerator<TarEntry, void, undefined> {
  const folder = imageFolders.project.slice(1);
  const entries = files.map((file): TarEntry => {
    const { bytes, executable } = file;
    return {
      type: "file",
      path: `${folder}/${file.path}`,
      bytes,
      executable,
      open: () => readVerified(root, file, signal),
    };
  });
  yield* withFolders(entries);
}

/** A file that is changed now is not the one whose hash the layer's key was made of. */
async function* readVerified(
  root: string,
  { path, bytes, sha256 }: ProjectFile,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  await using file = await openProjectFile(root, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "EACCES") throw changedWhileRead(path);
    throw error;
  });
  const hash = createHash("sha256");
  for (let left = bytes; left > 0; ) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, left));
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) throw changedWhileRead(path);
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    left -= bytesRead;
    yield piece;
  }
  const { bytesRead } = await file.read(Buffer.alloc(1), 0, 1);
  if (bytesRead > 0 || hash.digest("hex") !== sha256) throw changedWhileRead(path);
}

function byPath(a: ProjectFile, b: ProjectFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
