import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { createInflateRaw, inflateRawSync } from "node:zlib";

export interface ZipMember {
  /** With forward slashes. */
  readonly path: string;
  /** Unpacked. */
  readonly bytes: number;
  /** Of Unix; 0 when whoever made the archive knew none. */
  readonly mode: number;
  open(): AsyncIterable<Buffer>;
}

/** A zip archive on disk, of which only what is asked for is read. */
export interface ZipFile extends AsyncDisposable {
  readonly members: readonly ZipMember[];
}

const endSignature = Buffer.from("PK\u0005\u0006", "latin1");
const end64Signature = Buffer.from("PK\u0006\u0006", "latin1");
const memberSignature = 0x02014b50;
const endBytes = 22;
const longestComment = 0xffff;
const locatorBytes = 20;
/** Smaller members are read and inflated at once, which takes a fraction of the time that a stream takes. */
const wholeBytes = 1 << 20;
const chunkBytes = 1 << 20;
const inField = 0xffffffff;

interface Place {
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly header: number;
}

/** @throws Error when it is no zip archive, or a damaged one */
export async function openZip(file: string): Promise<ZipFile> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { at, bytes } = await findDirectory(handle, size);
    const members = readDirectory(await readExactly(handle, at, bytes), handle);
    return { members, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function findDirectory(handle: FileHandle, size: number): Promise<{ at: number; bytes: number }> {
  const tailBytes = Math.min(size, endBytes + longestComment);
  const tail = await readExactly(handle, size - tailBytes, tailBytes);
  const end = tail.lastIndexOf(endSignature);
  if (end < 0) throw new Error("not a zip archive");
  const at = tail.readUInt32LE(end + 16);
  const bytes = tail.readUInt32LE(end + 12);
  if (at !== inField && bytes !== inField) return { at, bytes };
  const locator = end - locatorBytes;
  if (locator < 0) throw new Error("damaged zip archive");
  const record = await readExactly(handle, Number(tail.readBigUInt64LE(locator + 8)), 56);
  if (!record.subarray(0, 4).equals(end64Signature)) throw new Error("damaged zip archive");
  return { at: Number(record.readBigUInt64LE(48)), bytes: Number(record.readBigUInt64LE(40)) };
}

function readDirectory(directory: Buffer, handle: FileHandle): ZipMember[] {
  const members: ZipMember[] = [];
  for (let at = 0; at + 46 <= directory.length; ) {
    if (directory.readUInt32LE(at) !== memberSignature) throw new Error("damaged zip archive");
    const nameLength = directory.readUInt16LE(at + 28);
    const extraLength = directory.readUInt16LE(at + 30);
    const path = directory.toString("utf8", at + 46, at + 46 + nameLength);
    const extra = directory.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    const place = placeOf(directory, at, extra);
    const mode = (directory.readUInt32LE(at + 38) >>> 16) & 0o7777;
    if (!path.endsWith("/")) {
      members.push({ path, bytes: place.bytes, mode, open: () => readMember(handle, path, place) });
    }
    at += 46 + nameLength + extraLength + directory.readUInt16LE(at + 32);
  }
  return members;
}

function placeOf(directory: Buffer, at: number, extra: Buffer): Place {
  const wide = field64(extra);
  let next = 0;
  const number = (value: number) => (value === inField && wide ? Number(wide.readBigUInt64LE(8 * next++)) : value);
  const bytes = number(directory.readUInt32LE(at + 24));
  const packedBytes = number(directory.readUInt32LE(at + 20));
  const header = number(directory.readUInt32LE(at + 42));
  return { method: directory.readUInt16LE(at + 10), packedBytes, bytes, header };
}

/** @returns the extra field that holds what does not fit into 32 bits */
function field64(extra: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) return extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  return undefined;
}

async function* readMember(handle: FileHandle, path: string, place: Place): AsyncGenerator<Buffer, void, undefined> {
  const { method, packedBytes, bytes, header } = place;
  const local = await readExactly(handle, header, 30);
  const start = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (method !== 0 && method !== 8) throw new Error(`${path} is packed in a way that is not known here`);
  if (bytes <= wholeBytes && packedBytes <= wholeBytes) {
    const packed = await readExactly(handle, start, packedBytes);
    yield method === 0 ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) });
    return;
  }
  const packed = readChunks(handle, start, packedBytes);
  if (method === 0) yield* packed;
  else yield* pipeline(packed, createInflateRaw({ chunkSize: chunkBytes }), () => {}) as AsyncIterable<Buffer>;
}

async function* readChunks(handle: FileHandle, at: number, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  for (let done = 0; done < bytes; done += chunkBytes) {
    yield readExactly(handle, at + done, Math.min(chunkBytes, bytes - done));
  }
}

async function readExactly(handle: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await handle.read(buffer, done, bytes - done, at + done);
    if (bytesRead === 0) throw new Error("damaged zip archive: it ends early");
    done += bytesRead;
  }
  return buffer;
}
