import { align } from "./align.ts";

const sizes = { header: 64, section: 64, program: 56 } as const;
const loadedFlag = 2n;
const noBits = 8;

/**
 * Removes what only debuggers and linkers read from a 64-bit little-endian ELF executable: a quarter of Node. `strip` does the
 * same, but is not on every machine, seldom for another processor, and writes other bytes in each version.
 *
 * Sections that are loaded, and the bytes before them, stay where they are; the section table is written anew behind them.
 * Only for an executable that nothing was injected into yet: what LIEF has added is in no section that is kept.
 * @throws Error when it is not such a file
 */
export function stripElf(file: Buffer): Buffer {
  if (file.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") throw new Error("not a 64-bit little-endian ELF file");
  const sections = readSections(file);
  const kept = sections.filter(({ index, flags }) => index === 0 || (flags & loadedFlag) !== 0n);
  const names = Buffer.from(`\0${[...kept.slice(1).map(({ name }) => name), ".shstrtab"].join("\0")}\0`, "latin1");
  const end = Math.max(endOfSegments(file), ...kept.filter(({ type }) => type !== noBits).map(({ end: last }) => last));
  const namesAt = align(end, 8);
  const tableAt = align(namesAt + names.length, 8);
  const stripped = Buffer.alloc(tableAt + (kept.length + 1) * sizes.section);
  file.copy(stripped, 0, 0, end);
  names.copy(stripped, namesAt);
  const newIndex = new Map(kept.map(({ index }, place) => [index, place]));
  kept.forEach(({ header, name, index }, place) => {
    const at = tableAt + place * sizes.section;
    header.copy(stripped, at);
    if (index === 0) return;
    stripped.writeUInt32LE(names.indexOf(`\0${name}\0`, 0, "latin1") + 1, at);
    stripped.writeUInt32LE(newIndex.get(header.readUInt32LE(40)) ?? 0, at + 40);
    const hasSectionInfo = (header.readBigUInt64LE(8) & 0x40n) !== 0n;
    if (hasSectionInfo) stripped.writeUInt32LE(newIndex.get(header.readUInt32LE(44)) ?? 0, at + 44);
  });
  writeNamesSection(stripped, tableAt + kept.length * sizes.section, names, namesAt);
  stripped.writeBigUInt64LE(BigInt(tableAt), 40);
  stripped.writeUInt16LE(kept.length + 1, 60);
  stripped.writeUInt16LE(kept.length, 62);
  return stripped;
}

interface Section {
  readonly index: number;
  readonly name: string;
  readonly header: Buffer;
  readonly type: number;
  readonly flags: bigint;
  /** Behind its last byte in the file. */
  readonly end: number;
}

function readSections(file: Buffer): Section[] {
  const tableAt = Number(file.readBigUInt64LE(40));
  const headerAt = (index: number) =>
    file.subarray(tableAt + index * sizes.section, tableAt + (index + 1) * sizes.section);
  const namesAt = Number(headerAt(file.readUInt16LE(62)).readBigUInt64LE(24));
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const header = headerAt(index);
    const nameAt = namesAt + header.readUInt32LE(0);
    return {
      index,
      header,
      name: file.toString("latin1", nameAt, file.indexOf(0, nameAt)),
      type: header.readUInt32LE(4),
      flags: header.readBigUInt64LE(8),
      end: Number(header.readBigUInt64LE(24) + header.readBigUInt64LE(32)),
    };
  });
}

function endOfSegments(file: Buffer): number {
  const tableAt = Number(file.readBigUInt64LE(32));
  const ends = Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = tableAt + index * sizes.program;
    return Number(file.readBigUInt64LE(at + 8) + file.readBigUInt64LE(at + 32));
  });
  return Math.max(sizes.header, ...ends);
}

function writeNamesSection(file: Buffer, at: number, names: Buffer, namesAt: number): void {
  file.writeUInt32LE(names.indexOf("\0.shstrtab\0", 0, "latin1") + 1, at);
  file.writeUInt32LE(3, at + 4);
  file.writeBigUInt64LE(BigInt(namesAt), at + 24);
  file.writeBigUInt64LE(BigInt(names.length), at + 32);
  file.writeBigUInt64LE(1n, at + 48);
}
