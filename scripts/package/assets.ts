import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { agentCachesName, type PackIndex, packName } from "../build/pack.ts";

/** What goes into an executable: its first script, and what that and the program read from it, by name. */
export interface Assets {
  readonly main: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly hasCodeCaches: boolean;
}

export interface AssetOptions {
  /** Of a build: holds main.js, chunks.pack, runtime and wheels. */
  readonly folder: string;
  /** Whether it brings the caches that the build filled, which only this machine's kind of system takes. */
  readonly withCodeCaches: boolean;
}

/**
 * Reads a build as the assets of an executable. Where chunks have caches, those that are seldom loaded are deflated: they have none,
 * because no command has run them while the caches were filled, or an agent alone has, whose caches differ each time; or are large.
 */
export async function readAssets({ folder, withCodeCaches }: AssetOptions): Promise<Assets> {
  const script = await readFile(join(folder, "main.js"), "utf8");
  const pack = await readFile(join(folder, packName));
  const ofAgent = new Set(JSON.parse(await readFile(join(folder, agentCachesName), "utf8")) as string[]);
  const isSameEachTime = (name: string, code: Buffer) =>
    !ofAgent.has(name) && !timed.some((part) => code.includes(part));
  const chunks = Object.entries(readIndex(script)).map(([name, [offset, codeBytes, cacheBytes]]) => {
    const code = pack.subarray(offset, offset + codeBytes);
    const cache = pack.subarray(offset + codeBytes, offset + codeBytes + cacheBytes);
    return { name, code, cache: withCodeCaches && isSameEachTime(name, code) ? cache : Buffer.alloc(0) };
  });
  const hasCodeCaches = chunks.some(({ cache }) => cache.length > 0);
  const packed = packChunks(chunks, hasCodeCaches);
  const files = await packFiles(folder);
  return {
    hasCodeCaches,
    main: asExecutable(script, packed.index),
    files: { [packName]: packed.bytes, "files.json": files.index, "files.pack": files.bytes },
  };
}

/**
 * What chunks export whose caches come out differently: one notes what runs after a second alone, the other in which order files
 * were read. They are small, and do without a cache.
 */
const timed = ["sayWhenSlow:()=>", "storeSnapshot:()=>"];

type ExecutableIndex = Record<string, [offset: number, codeBytes: number, cacheBytes: number, deflatedBytes?: number]>;

interface CachedChunk {
  readonly name: string;
  readonly code: Buffer;
  readonly cache: Buffer;
}

/** In bytes. What is larger is YAML's parser and parts of AWS, whose commands take seconds; to inflate it takes 2 ms. */
const largestQuick = 200_000;

function packChunks(chunks: readonly CachedChunk[], hasCodeCaches: boolean) {
  const index: ExecutableIndex = {};
  const pieces: Buffer[] = [];
  let offset = 0;
  for (const { name, code, cache } of chunks.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const bytes = Buffer.concat([code, cache]);
    const isDeflated = hasCodeCaches && (cache.length === 0 || bytes.length > largestQuick);
    const stored = isDeflated ? deflateRawSync(bytes, { level: 9 }) : bytes;
    index[name] = isDeflated ? [offset, code.length, cache.length, stored.length] : [offset, code.length, cache.length];
    pieces.push(stored);
    offset += stored.length;
  }
  return { index, bytes: Buffer.concat(pieces) };
}

/** The parts in Python, and the packages for every platform that they cannot do without. */
async function packFiles(folder: string) {
  const entries = await readdir(folder, { recursive: true });
  const paths = entries
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /^runtime\/.*\.(py|typed|lock|toml)$|^wheels\/.*-none-any\.whl$/.test(path))
    .sort();
  const index: Record<string, [offset: number, length: number, isDeflated: 0 | 1]> = {};
  const pieces: Buffer[] = [];
  let offset = 0;
  for (const path of paths) {
    const content = await readFile(join(folder, path));
    // A wheel is compressed already.
    const isDeflated = !path.endsWith(".whl");
    const stored = isDeflated ? deflateRawSync(content, { level: 9 }) : content;
    index[path] = [offset, stored.length, isDeflated ? 1 : 0];
    pieces.push(stored);
    offset += stored.length;
  }
  return { index: Buffer.from(JSON.stringify(index)), bytes: Buffer.concat(pieces) };
}

const indexLine = /^const index = (\{.*\});$/m;

/** @returns where the chunks of a build lie in its pack */
export function readIndex(script: string): PackIndex {
  const [, index] = indexLine.exec(script) ?? [];
  if (!index) throw new Error("the build's main.js has no index");
  return JSON.parse(index) as PackIndex;
}

function asExecutable(script: string, index: ExecutableIndex): string {
  const line = "const isExecutable = false;";
  if (!script.includes(line)) throw new Error(`the loader has no line: ${line}`);
  return script
    .replace(indexLine, `const index = ${JSON.stringify(index)};`)
    .replace(line, "const isExecutable = true;");
}
