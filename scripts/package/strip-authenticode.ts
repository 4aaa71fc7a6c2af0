/** Number of the security directory among a PE file's data directories. */
const securityDirectory = 4;

/**
 * Removes the Authenticode signature of a PE file: what is injected afterwards would make it wrong, and a signature that is not
 * at the end of the file cannot be replaced by a right one.
 * @returns the file without it, and without change where it has none
 * @throws Error when it is not a PE file, or the signature is not at its end
 */
export function stripAuthenticode(file: Buffer): Buffer {
  const { directoryAt, checksumAt } = findHeaders(file);
  const start = file.readUInt32LE(directoryAt);
  const length = file.readUInt32LE(directoryAt + 4);
  if (start === 0) return file;
  if (start + length !== file.length) throw new Error("the signature of the PE file is not at its end");
  const stripped = Buffer.from(file.subarray(0, start));
  stripped.fill(0, directoryAt, directoryAt + 8);
  stripped.writeUInt32LE(0, checksumAt);
  stripped.writeUInt32LE(peChecksum(stripped, checksumAt), checksumAt);
  return stripped;
}

/** Writes the checksum that belongs to `file` as it is now. */
export function fixPeChecksum(file: Buffer): Buffer {
  const { checksumAt } = findHeaders(file);
  const fixed = Buffer.from(file);
  fixed.writeUInt32LE(peChecksum(fixed, checksumAt), checksumAt);
  return fixed;
}

/** @returns where the signature of a PE file lies, undefined when it has none */
export function findAuthenticode(file: Buffer): { readonly start: number; readonly length: number } | undefined {
  const { directoryAt } = findHeaders(file);
  const start = file.readUInt32LE(directoryAt);
  return start === 0 ? undefined : { start, length: file.readUInt32LE(directoryAt + 4) };
}

/** The sum of all 16-bit words but its own, with carries folded in, and the length. */
export function peChecksum(file: Buffer, checksumAt = findHeaders(file).checksumAt): number {
  let sum = 0;
  const even = file.length & ~1;
  for (let at = 0; at < even; at += 2) {
    if (at === checksumAt || at === checksumAt + 2) continue;
    sum += file[at]! | (file[at + 1]! << 8);
    sum = (sum & 0xffff) + (sum >>> 16);
  }
  if (even < file.length) sum += file[even]!;
  sum = (sum & 0xffff) + (sum >>> 16);
  return ((sum & 0xffff) + file.length) >>> 0;
}

function findHeaders(file: Buffer): { readonly directoryAt: number; readonly checksumAt: number } {
  const peAt = file.readUInt32LE(0x3c);
  if (file.toString("latin1", peAt, peAt + 4) !== "PE\0\0") throw new Error("not a PE file");
  const optionalAt = peAt + 24;
  if (file.readUInt16LE(optionalAt) !== 0x20b) throw new Error("not a 64-bit PE file");
  return { directoryAt: optionalAt + 112 + securityDirectory * 8, checksumAt: optionalAt + 64 };
}
