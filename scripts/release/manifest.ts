import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { archiveName } from "../../src/upgrade/release-source.ts";
import { type Manifest, readManifest } from "../package/manifest.ts";

/** What a release is made of: a file that can be downloaded. */
export interface Released {
  readonly file: string;
  readonly sha256: string;
}

/** Reads `manifest.json` in `folder`. @throws Error when it or a program is missing, or one is not what it says */
export async function checkedManifest(folder: string): Promise<Manifest> {
  const manifest = await readManifest(join(folder, "manifest.json"));
  if (!manifest) throw new Error(`there is no manifest.json in ${folder}: run \`npm run package\``);
  for (const { file, size, sha256 } of manifest.targets) {
    const path = join(folder, file);
    const found = (await stat(path)).size;
    if (found !== size) throw new Error(`${path} has ${found} bytes, not ${size}: run \`npm run package\` again`);
    if ((await sha256Of(path)) !== sha256) throw new Error(`${path} was changed: run \`npm run package\` again`);
  }
  return manifest;
}

/** @returns the SHA-256 of a file, in hex */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

export function isWindows(target: string): boolean {
  return target.startsWith("win-");
}

/** The archive that people and package managers take: the smaller one where there are two. */
export function smallArchiveName(version: string, target: string): string {
  return archiveName(version, target).replace(/\.tar\.gz$/, ".tar.xz");
}

/** As `sha256sum` writes and reads them, in the order of their names. */
export function checksumsText(released: readonly Released[]): string {
  const sorted = released.toSorted((a, b) => (a.file < b.file ? -1 : 1));
  return sorted.map(({ file, sha256 }) => `${sha256}  ${file}\n`).join("");
}
