import { createHash, randomBytes } from "node:crypto";
import { chmod, copyFile, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

/** Writes a file so that a reader finds the old one or the new one. */
export async function replaceFile(file: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${randomBytes(4).toString("hex")}.partial`;
  await writeFile(partial, text);
  await chmod(partial, mode);
  await rename(partial, file);
}

/** @returns the files below `folder` that belong to a package that is shipped, relative to it, in alphabetical order */
export async function shippedFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !/(^|\/)(__pycache__|tests?|\.[^/]+)(\/|$)|\.pyc$/.test(path))
    .sort();
}

/** Copies `files` (relative) from one folder into another, by hard links where that works and `linked` asks for it. */
export async function copyFiles(from: string, to: string, files: readonly string[], linked = false): Promise<void> {
  for (const file of files) {
    const target = join(to, file);
    await mkdir(dirname(target), { recursive: true });
    if (linked) await link(join(from, file), target).catch(() => copyFile(join(from, file), target));
    else await copyFile(join(from, file), target);
  }
}

/** @returns a hash over names and contents, hex */
export async function hashFiles(folder: string, files: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(folder, file)));
  return hash.digest("hex");
}

/** Removes all but the newest `kept` folders in `folder`, and never one that is younger than `youngMs`. */
export async function removeOldFolders(folder: string, kept: number, youngMs: number): Promise<void> {
  const names = await readdir(folder);
  const found = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), at: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = found.toSorted((a, b) => b.at - a.at).slice(kept);
  const spare = old.filter(({ at }) => at < Date.now() - youngMs);
  await Promise.all(spare.map(({ path }) => rm(path, { recursive: true, force: true })));
}
