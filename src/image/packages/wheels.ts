import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type InstalledFile, placeInFolder } from "./installed-files.ts";
import { openZip, type ZipFile } from "./zip-file.ts";

/** Wheels that are open; their files are those of all, not yet in their final form. */
export interface OpenWheels extends AsyncDisposable {
  readonly files: readonly InstalledFile[];
}

/**
 * Opens wheels, so that they can be packed without being unpacked to the disk first.
 * @param paths in the order in which they would be installed: of two that hold the same file the later wins
 * @throws Error when one is damaged
 */
export async function openWheels(paths: readonly string[]): Promise<OpenWheels> {
  await using opened = new AsyncDisposableStack();
  const files: InstalledFile[] = [];
  for (const path of paths) {
    const zip = opened.use(await openWheel(path));
    for (const member of zip.members) {
      const place = placeInFolder(member.path);
      if (place === undefined) continue;
      const executable = (member.mode & 0o111) !== 0 || place.startsWith("bin/");
      files.push({ path: place, bytes: member.bytes, executable, open: () => member.open() });
    }
  }
  const kept = opened.move();
  return { files, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** @returns the wheels in a folder, in the order of their names */
export async function wheelsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".whl"));
  return names.sort().map((name) => join(folder, name));
}

async function openWheel(path: string): Promise<ZipFile> {
  try {
    return await openZip(path);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
