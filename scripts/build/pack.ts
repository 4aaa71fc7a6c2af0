import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the loader finds a chunk in the pack: first byte, length of the code, length of the cache behind it. */
export type PackIndex = Readonly<Record<string, readonly [offset: number, codeBytes: number, cacheBytes: number]>>;

export const packName = "chunks.pack";

/** Joins chunks and their code caches into one file: a command loads thirty of them, and to open each costs time. */
export async function packChunks(folder: string, names: readonly string[]): Promise<PackIndex> {
  const index: Record<string, [number, number, number]> = {};
  const pieces: Buffer[] = [];
  let offset = 0;
  for (const name of names) {
    const code = await readFile(join(folder, name));
    const cache = await readFile(join(folder, `${name}.cache`)).catch(() => Buffer.alloc(0));
    index[name] = [offset, code.length, cache.length];
    pieces.push(code, cache);
    offset += code.length + cache.length;
  }
  await writeFile(join(folder, packName), Buffer.concat(pieces));
  for (const name of names) {
    await rm(join(folder, name));
    await rm(join(folder, `${name}.cache`), { force: true });
  }
  return index;
}
