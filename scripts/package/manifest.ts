import { readFile } from "node:fs/promises";
import { replaceFile } from "../build/files.ts";

/** `dist/manifest.json`: what was packaged, for whatever makes archives, formulae and the like of it. */
export interface Manifest {
  readonly version: string;
  readonly build: string;
  /** The version of Node that every binary holds. */
  readonly node: string;
  /** In the order of their names. */
  readonly targets: readonly PackagedTarget[];
}

export interface PackagedTarget {
  readonly target: string;
  /** Relative to the manifest's folder, with forward slashes. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Of the file, hex. */
  readonly sha256: string;
  /** Whether it holds V8's code caches; without them it is as good, but starts more slowly. */
  readonly hasCodeCaches: boolean;
}

/** Adds what was packaged now to what was before, as far as that is of the same build. */
export function mergeManifest(before: Manifest | undefined, now: Manifest): Manifest {
  const isSame = before?.build === now.build && before.version === now.version && before.node === now.node;
  const made = new Set(now.targets.map(({ target }) => target));
  const kept = isSame ? before.targets.filter(({ target }) => !made.has(target)) : [];
  const targets = [...kept, ...now.targets].sort((a, b) => (a.target < b.target ? -1 : 1));
  return { ...now, targets };
}

/** @returns undefined when there is none that can be read */
export async function readManifest(file: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}

export async function writeManifest(file: string, manifest: Manifest): Promise<void> {
  await replaceFile(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
}
