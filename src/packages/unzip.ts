import { promisify } from "node:util";
import { inflateRaw } from "node:zlib";

const inflate = promisify(inflateRaw);

export interface ZipEntry {
  /** With forward slashes. */
  readonly path: string;
  read(): Promise<Buffer>;
}

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const headerSignature = 0x04034b50;

/**
 * Lists the files of a zip archive in memory. Knows what wheels use: no encryption, no parts, not above 4 GiB.
 * @throws Error when it is no such archive
 */
export function readZip(archive: Buffer): ZipEntry[] {
  const end = archive.lastIndexOf(signatureBytes(endSignature));
  if (end < 0) throw new Error("not a zip archive");
  const count = archive.readUInt16LE(end + 10);
  const entries: ZipEntry[] = [];
  for (let index = 0, at = archive.readUInt32LE(end + 16); index < count; index += 1) {
    if (archive.readUInt32LE(at) !== entrySignature) throw new Error("damaged zip archive");
    const nameLength = archive.readUInt16LE(at + 28);
    const path = archive.toString("utf8", at + 46, at + 46 + nameLength);
    const entry = {
      method: archive.readUInt16LE(at + 10),
      packedBytes: archive.readUInt32LE(at + 20),
      bytes: archive.readUInt32LE(at + 24),
      header: archive.readUInt32LE(at + 42),
    };
    if (!path.endsWith("/")) entries.push({ path, read: () => readEntry(archive, path, entry) });
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

async function readEntry(
  archive: Buffer,
  path: string,
  entry: { method: number; packedBytes: number; bytes: number; header: number },
): Promise<Buffer> {
  const { method, packedBytes, bytes, header } = entry;
  if (archive.readUInt32LE(header) !== headerSignature) throw new Error(`damaged zip archive at ${path}`);
  const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
  const packed = archive.subarray(start, start + packedBytes);
  if (method === 0) return packed;
  if (method !== 8) throw new Error(`${path} is packed in a way that is not known here`);
  return inflate(packed, { maxOutputLength: Math.max(1, bytes) });
}

function signatureBytes(signature: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(signature);
  return bytes;
}
