import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the loader finds a chunk in the pack: first byte, length of the code, length of the cache behind it. */
export type PackIndex = Readonly<Record<string, readonly [offset: number, codeBytes: number, cacheBytes: number]>>;

export const packName = "chunks.pack";

/** A list of the chunks whose caches are an agent's, and so are other ones each time. */
export const agentCachesName = "agent-caches.json";

/** Joins chunks and their code caches into one file: a command loads thirty of them, and to open each costs time. */
export async function packChunks(folder: string, names: readonly string[]): Promise<PackIndex> {
  const index: Record<string, [number, number, number]> = {};
  const pieces: Buffer[] = [];
  const ofAgent: string[] = [];
  let offset = 0;
  for (const name of names) {
    const code = await readFile(join(folder, name));
    const [own, agents] = await Promise.all([
      readCache(join(folder, `${name}.cache`)),
      readCache(join(folder, `${name}.agent.cache`)),
    ]);
    const cache = own ?? agents ?? Buffer.alloc(0);
    if (!own && agents) ofAgent.push(name);
    index[name] = [offset, code.length, cache.length];
    pieces.push(code, cache);
    offset += code.length + cache.length;
  }
  await writeFile(join(folder, packName), Buffer.concat(pieces));
  await writeFile(join(folder, agentCachesName), JSON.stringify(ofAgent));
  for (const name of names) {
    await rm(join(folder, name));
    await rm(join(folder, `${name}.cache`), { force: true });
    await rm(join(folder, `${name}.agent.cache`), { force: true });
  }
  return index;
}

function readCache(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined);
}
