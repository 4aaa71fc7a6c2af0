import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { CortexError } from "../core/errors.ts";

const chunkBytes = 1 << 20;
const attempts = 3;
const pauseMs = 100;

export interface HashedFile {
  /** SHA-256, hex. */
  readonly sha256: string;
  /** What the file was, before and after it was read alike. */
  readonly stats: BigIntStats;
  /** When reading began, milliseconds since the epoch. */
  readonly readAt: number;
}

/**
 * Hashes a file in pieces; one that changes meanwhile is read again.
 * @param path how the user knows it
 * @throws PROJECT_INVALID when it never stands still; what the file system says when it cannot be read
 */
export async function hashFile(source: string, path: string, signal: AbortSignal): Promise<HashedFile> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const hashed = await hashOnce(source, signal);
    if (hashed) return hashed;
    await delay(pauseMs, undefined, { signal });
  }
  throw changedWhileRead(path);
}

export function changedWhileRead(path: string): CortexError {
  return new CortexError("PROJECT_INVALID", `${path} changed while it was read`, {
    hint: `wait until it is written, or list ${path} in .cortexignore`,
  });
}

/** @returns whether the two say that nothing was written to the file in between, nor another put in its place */
export function isSameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;
}

async function hashOnce(source: string, signal: AbortSignal): Promise<HashedFile | undefined> {
  await using file = await open(source);
  const readAt = Date.now();
  const before = await file.stat({ bigint: true });
  const { sha256, bytes } = await hashContent(file, Number(before.size), signal);
  const after = await file.stat({ bigint: true });
  const isStable = isSameFile(before, after) && BigInt(bytes) === after.size;
  return isStable ? { sha256, stats: after, readAt } : undefined;
}

async function hashContent(file: FileHandle, expected: number, signal: AbortSignal) {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, expected + 1));
  for (let bytes = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length);
    if (bytesRead === 0) return { sha256: hash.digest("hex"), bytes };
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}
