import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../platform/files.ts";
import type { Descriptor } from "./base/base-image.ts";
import type { Layer } from "./layers/blob-store.ts";
import type { Documents } from "./manifest.ts";
import type { Repository } from "./reference.ts";

/** All that pushing an image needs; the layers' content lies in the blob store. */
export interface Built extends Documents {
  readonly base: Repository;
  readonly baseLayers: readonly Descriptor[];
  readonly layers: readonly Layer[];
}

const forgottenMs = 30 * 24 * 3600_000;

/** Remembers what was built, by digest, for the push that follows. */
export async function rememberBuilt(home: string, built: Built): Promise<void> {
  const file = fileOf(home, built.digest);
  const isKnown = await stat(file).then(
    () => true,
    () => false,
  );
  if (isKnown) return;
  await writeAtomically(file, JSON.stringify(built));
  for (const name of await readdir(folderOf(home))) {
    const stats = await stat(join(folderOf(home), name)).catch(() => undefined);
    if (stats && Date.now() - stats.mtimeMs > forgottenMs) await rm(join(folderOf(home), name), { force: true });
  }
}

/** @returns undefined when it was built on another machine, or long ago */
export async function recallBuilt(home: string, digest: string): Promise<Built | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(home, digest), "utf8")) as Built;
  } catch {
    return undefined;
  }
}

function folderOf(home: string): string {
  return join(home, "images", "built");
}

function fileOf(home: string, digest: string): string {
  return join(folderOf(home), `${digest.replace(":", "-")}.json`);
}
