import { createHash, randomBytes } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { type FileHandle, lstat, open, readdir, readFile, rename, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { constants, createZstdCompress } from "node:zlib";
import { asWriteError, makePrivateFolder, writeAtomically } from "../../platform/files.ts";
import { waitForLock } from "../../platform/wait-for-lock.ts";
import { type TarEntry, writeTar } from "./tar-writer.ts";

/** A layer that lies compressed on this machine's disk. */
export interface Layer {
  /** Of the compressed content: `sha256:…`. */
  readonly digest: string;
  /** Of the uncompressed content. */
  readonly diffId: string;
  /** Compressed. */
  readonly bytes: number;
}

/** Layers by what they were made from, and blobs by what they hold. Several programs may use it at once. */
export interface BlobStore {
  /**
   * Finds the layer that was made under `key`, or makes it; two that want the same make it once.
   * @param key hash of all that decides the content, hex
   * @throws DISK_FULL, NOT_WRITABLE, what `entries` throws
   */
  layer(key: string, entries: (signal: AbortSignal) => AsyncIterable<TarEntry>, signal: AbortSignal): Promise<Layer>;
  /** The layer that was made under `key`, if it is still there. */
  find(key: string): Promise<Layer | undefined>;
  read(digest: string, from: number): AsyncIterable<Buffer>;
  /** Says that blobs are in use, so that they are kept for at least an hour. */
  touch(digests: readonly string[]): Promise<void>;
  /** Forgets a blob that turned out to be damaged. */
  forget(digest: string): Promise<void>;
  /** Removes the blobs that were not used for longest while all are too much, and what interrupted programs left. */
  collect(): Promise<void>;
}

/** Of the tar archives and their compression: layers of another one are made anew. */
export const layerFormat = 1;

/**
 * Of zstd, which every container runtime since 2021 reads, in a third of the time that gzip takes; its output depends on
 * the version alone, whereas zlib's differs between processors.
 */
const compressionLevel = 3;
/** Compression depends on how its input is cut. */
const pieceBytes = 1 << 18;
/** All blobs together; those that are in use may exceed it. */
const mostBytes = 10 * 2 ** 30;
const hourMs = 3600_000;
const forgottenMs = 30 * 24 * hourMs;
/** What is older was left by a program that was killed. */
const longestWorkMs = 12 * hourMs;
const partial = ".partial-";
/** Below `images`: where packages lie while a layer is made of them. */
export const workFolder = "work";

export function blobStore(home: string, limitBytes = mostBytes): BlobStore {
  const blobs = join(home, "images", "blobs");
  const layers = join(home, "images", "layers");
  const blobFile = (digest: string) => join(blobs, fileName(digest));
  const layerFile = (key: string) => join(layers, `${key}.json`);

  const find = async (key: string): Promise<Layer | undefined> => {
    const layer = await readLayer(layerFile(key));
    if (!layer) return undefined;
    const stats = await lstat(blobFile(layer.digest)).catch(() => undefined);
    if (stats?.size !== layer.bytes) return undefined;
    await touch([layer.digest]);
    return layer;
  };
  const touch = async (digests: readonly string[]): Promise<void> => {
    const now = new Date();
    await Promise.all(digests.map((digest) => utimes(blobFile(digest), now, now).catch(() => {})));
  };
  return {
    find,
    touch,
    async layer(key, entries, signal) {
      const found = await find(key);
      if (found) return found;
      await makePrivateFolder(layers);
      await makePrivateFolder(blobs);
      using _lock = await waitForLock(join(layers, `${key}.lock`), signal);
      const made = await find(key);
      if (made) return made;
      const layer = await write(entries(signal), blobs, signal);
      await writeAtomically(layerFile(key), JSON.stringify(layer));
      return layer;
    },
    read: (digest, from) => createReadStream(blobFile(digest), { start: from, highWaterMark: pieceBytes }),
    forget: (digest) => rm(blobFile(digest), { force: true }),
    async collect() {
      await collectBlobs(blobs, limitBytes);
      for (const name of await readdir(layers).catch(() => [])) {
        const path = join(layers, name);
        const stats = await lstat(path).catch(() => undefined);
        if (stats && Date.now() - stats.mtimeMs > forgottenMs) await rm(path, { force: true });
      }
      const work = join(home, "images", workFolder);
      for (const name of await readdir(work).catch(() => [])) {
        const stats = await lstat(join(work, name)).catch(() => undefined);
        if (stats && Date.now() - stats.mtimeMs > longestWorkMs)
          await rm(join(work, name), { recursive: true, force: true });
      }
    },
  };
}

async function write(entries: AsyncIterable<TarEntry>, blobs: string, signal: AbortSignal): Promise<Layer> {
  const file = join(blobs, partial + randomBytes(8).toString("hex"));
  try {
    await using handle = await open(file, "wx", 0o600);
    const layer = await compressInto(handle, entries, signal);
    await handle.sync();
    await rename(file, join(blobs, fileName(layer.digest)));
    return layer;
  } catch (error) {
    await rm(file, { force: true });
    signal.throwIfAborted();
    throw asWriteError(error, blobs);
  }
}

async function compressInto(handle: FileHandle, entries: AsyncIterable<TarEntry>, signal: AbortSignal): Promise<Layer> {
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  const params = { [constants.ZSTD_c_compressionLevel]: compressionLevel };
  const zstd = createZstdCompress({ chunkSize: pieceBytes, params });
  let bytes = 0;
  const writing = (async () => {
    for await (const chunk of zstd as AsyncIterable<Buffer>) {
      packed.update(chunk);
      bytes += chunk.length;
      await handle.writeFile(chunk);
    }
  })();
  // Its failure ends the compression, whose own failure then says nothing.
  let writeFailure: unknown;
  writing.catch((error) => {
    writeFailure = error;
    zstd.destroy();
  });
  try {
    for await (const piece of inPieces(writeTar(entries))) {
      signal.throwIfAborted();
      plain.update(piece);
      await written(zstd, piece);
    }
    zstd.end();
  } catch (error) {
    const isFirst = writeFailure === undefined && !zstd.destroyed;
    zstd.destroy();
    await writing.catch((failure) => {
      if (!isFirst) throw failure;
    });
    throw error;
  }
  await writing;
  return { digest: `sha256:${packed.digest("hex")}`, diffId: `sha256:${plain.digest("hex")}`, bytes };
}

/** Waits until `piece` is read, so that its memory may be used again. @throws when the compression ends before */
function written(zstd: ReturnType<typeof createZstdCompress>, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error("the compression has ended"));
    zstd.once("close", closed);
    zstd.write(piece, (error) => {
      zstd.off("close", closed);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Cuts what comes into pieces of one length. They share their memory: each is over when the next is asked for. */
async function* inPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const piece = Buffer.allocUnsafeSlow(pieceBytes);
  let bytes = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(piece, bytes, at);
      bytes += copied;
      at += copied;
      if (bytes < pieceBytes) continue;
      yield piece;
      bytes = 0;
    }
  }
  if (bytes > 0) yield piece.subarray(0, bytes);
}

/** What was used within the last hour belongs to a program that runs, or that ran a moment ago. */
async function collectBlobs(blobs: string, limitBytes: number): Promise<void> {
  const isYoung = (stats: Stats) => Date.now() - stats.mtimeMs < hourMs;
  const found: { path: string; stats: Stats }[] = [];
  for (const name of await readdir(blobs).catch(() => [])) {
    const path = join(blobs, name);
    const stats = await lstat(path).catch(() => undefined);
    if (!stats) continue;
    if (!name.startsWith(partial)) found.push({ path, stats });
    else if (!isYoung(stats)) await rm(path, { force: true });
  }
  let total = found.reduce((sum, { stats }) => sum + stats.size, 0);
  for (const { path, stats } of found.sort((a, b) => a.stats.mtimeMs - b.stats.mtimeMs)) {
    if (total <= limitBytes || isYoung(stats)) return;
    // Out of sight first, and back when somebody said in that moment that it is in use.
    const aside = join(blobs, partial + randomBytes(8).toString("hex"));
    await rename(path, aside).catch(() => {});
    const now = await lstat(aside).catch(() => undefined);
    if (now && isYoung(now)) await rename(aside, path);
    else await rm(aside, { force: true });
    total -= stats.size;
  }
}

async function readLayer(file: string): Promise<Layer | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Layer;
  } catch {
    return undefined;
  }
}

function fileName(digest: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`not a digest: ${digest}`);
  return digest.replace(":", "-");
}
