import { createHash } from "node:crypto";
import { align } from "./align.ts";

const magics = {
  file: 0xfeedfacf,
  superBlob: 0xfade0cc0,
  codeDirectory: 0xfade0c02,
  requirements: 0xfade0c01,
  cms: 0xfade0b01,
};
const slots = { codeDirectory: 0, requirements: 2, cms: 0x10000 };
const commands = { segment: 0x19, signature: 0x1d };
const pageBytes = 4096;
const hashBytes = 32;
const codeDirectoryVersion = 0x20400;
const codeDirectoryHeaderBytes = 88;
const adHoc = 2;
const mainBinary = 1n;
const executable = 2;

/**
 * Signs a thin 64-bit Mach-O executable for nobody ("ad hoc"), which is what an Apple silicon Mac asks of every program. It is what
 * `codesign -s -` writes, and needs no Mac: a hash over each page in a code directory behind all else, in `__LINKEDIT`.
 * @param identifier what the program calls itself in the signature, e.g. "dev.cortex.cli"
 * @returns a new file; a signature that it had is replaced
 * @throws Error when it is not such a file, or has no room for one more load command
 */
export function signMacos(file: Buffer, identifier: string): Buffer {
  const layout = readMachO(file);
  const codeEnd = align(layout.signature?.dataAt ?? file.length, 16);
  const blobBytes = align(signatureBytes(codeEnd, identifier), 16);
  const signed = Buffer.alloc(codeEnd + blobBytes);
  file.copy(signed, 0, 0, Math.min(codeEnd, file.length));
  writeSignatureCommand(signed, layout, codeEnd, blobBytes);
  growLinkEdit(signed, layout.linkEdit.at, codeEnd + blobBytes);
  buildSignature(signed.subarray(0, codeEnd), identifier, layout.text).copy(signed, codeEnd);
  return signed;
}

/**
 * Computes every hash of a signed file anew.
 * @returns a line for each thing that is wrong, none when the kernel would find all as it is written
 */
export function checkMacosSignature(file: Buffer): string[] {
  const { signature, linkEdit } = readMachO(file);
  if (!signature) return ["there is no signature"];
  const problems: string[] = [];
  const segmentEnd = Number(file.readBigUInt64LE(linkEdit.at + 40) + file.readBigUInt64LE(linkEdit.at + 48));
  if (signature.dataAt + signature.dataBytes !== file.length)
    problems.push("the signature is not at the end of the file");
  if (segmentEnd !== file.length) problems.push("__LINKEDIT does not end with the file");
  const blob = file.subarray(signature.dataAt, signature.dataAt + signature.dataBytes);
  if (blob.readUInt32BE(0) !== magics.superBlob) return [...problems, "the signature is no super blob"];
  const at = (slot: number) => findBlob(blob, slot);
  const directory = at(slots.codeDirectory);
  if (directory?.readUInt32BE(0) !== magics.codeDirectory) return [...problems, "there is no code directory"];
  const hashesAt = directory.readUInt32BE(16);
  const codeSlots = directory.readUInt32BE(28);
  const codeLimit = directory.readUInt32BE(32);
  if (codeLimit !== signature.dataAt) problems.push("the code directory does not cover all before the signature");
  if (codeSlots !== Math.ceil(codeLimit / pageBytes)) problems.push("the code directory has a wrong number of pages");
  const page = 1 << directory[39]!;
  for (let index = 0; index < codeSlots; index += 1) {
    const start = index * page;
    const actual = sha256(file.subarray(start, Math.min(start + page, codeLimit)));
    const written = directory.subarray(hashesAt + index * hashBytes, hashesAt + (index + 1) * hashBytes);
    if (!actual.equals(written)) problems.push(`page ${index} has another hash`);
  }
  const requirements = at(slots.requirements);
  const written = directory.subarray(hashesAt - 2 * hashBytes, hashesAt - hashBytes);
  if (!requirements || !sha256(requirements).equals(written)) problems.push("the requirements have another hash");
  return problems;
}

interface MachO {
  readonly commandsEnd: number;
  /** Of the first byte that a section has, in front of which commands may be added. */
  readonly firstSectionAt: number;
  readonly linkEdit: { readonly at: number };
  readonly text: { readonly fileAt: bigint; readonly fileBytes: bigint };
  readonly signature: { readonly at: number; readonly dataAt: number; readonly dataBytes: number } | undefined;
}

function readMachO(file: Buffer): MachO {
  if (file.readUInt32LE(0) !== magics.file || file.readUInt32LE(12) !== executable) {
    throw new Error("not a thin 64-bit Mach-O executable");
  }
  let at = 32;
  let linkEdit: MachO["linkEdit"] | undefined;
  let text: MachO["text"] | undefined;
  let signature: MachO["signature"];
  let firstSectionAt = file.length;
  for (let left = file.readUInt32LE(16); left > 0; left -= 1) {
    const command = file.readUInt32LE(at);
    if (command === commands.segment) {
      const name = file.toString("latin1", at + 8, at + 24).split("\0")[0];
      if (name === "__LINKEDIT") linkEdit = { at };
      if (name === "__TEXT") text = { fileAt: file.readBigUInt64LE(at + 40), fileBytes: file.readBigUInt64LE(at + 48) };
      for (let index = 0; index < file.readUInt32LE(at + 64); index += 1) {
        const offset = file.readUInt32LE(at + 72 + index * 80 + 48);
        if (offset > 0) firstSectionAt = Math.min(firstSectionAt, offset);
      }
    }
    if (command === commands.signature) {
      signature = { at, dataAt: file.readUInt32LE(at + 8), dataBytes: file.readUInt32LE(at + 12) };
    }
    at += file.readUInt32LE(at + 4);
  }
  if (!linkEdit || !text) throw new Error("the Mach-O file lacks __LINKEDIT or __TEXT");
  return { commandsEnd: at, firstSectionAt, linkEdit, text, signature };
}

function writeSignatureCommand(file: Buffer, layout: MachO, dataAt: number, dataBytes: number): void {
  const { signature, commandsEnd, firstSectionAt } = layout;
  const at = signature?.at ?? commandsEnd;
  if (!signature) {
    if (commandsEnd + 16 > firstSectionAt) throw new Error("the Mach-O header has no room for a signature's command");
    file.writeUInt32LE(file.readUInt32LE(16) + 1, 16);
    file.writeUInt32LE(file.readUInt32LE(20) + 16, 20);
  }
  file.writeUInt32LE(commands.signature, at);
  file.writeUInt32LE(16, at + 4);
  file.writeUInt32LE(dataAt, at + 8);
  file.writeUInt32LE(dataBytes, at + 12);
}

/** The segment must hold the signature, in the file and, in whole pages of 16 KiB, in memory. */
function growLinkEdit(file: Buffer, at: number, end: number): void {
  const fileBytes = BigInt(end) - file.readBigUInt64LE(at + 40);
  file.writeBigUInt64LE(fileBytes, at + 48);
  file.writeBigUInt64LE(BigInt(align(Number(fileBytes), 0x4000)), at + 32);
}

function signatureBytes(codeEnd: number, identifier: string): number {
  return 12 + 3 * 8 + directoryBytes(codeEnd, identifier) + 12 + 8;
}

function directoryBytes(codeEnd: number, identifier: string): number {
  const pages = Math.ceil(codeEnd / pageBytes);
  return codeDirectoryHeaderBytes + Buffer.byteLength(identifier) + 1 + (2 + pages) * hashBytes;
}

function buildSignature(code: Buffer, identifier: string, text: MachO["text"]): Buffer {
  const requirements = Buffer.alloc(12);
  requirements.writeUInt32BE(magics.requirements, 0);
  requirements.writeUInt32BE(12, 4);
  const cms = Buffer.alloc(8);
  cms.writeUInt32BE(magics.cms, 0);
  cms.writeUInt32BE(8, 4);
  const blobs: readonly (readonly [number, Buffer])[] = [
    [slots.codeDirectory, codeDirectory(code, identifier, text, requirements)],
    [slots.requirements, requirements],
    [slots.cms, cms],
  ];
  const header = Buffer.alloc(12 + blobs.length * 8);
  let offset = header.length;
  blobs.forEach(([slot, blob], index) => {
    header.writeUInt32BE(slot, 12 + index * 8);
    header.writeUInt32BE(offset, 16 + index * 8);
    offset += blob.length;
  });
  header.writeUInt32BE(magics.superBlob, 0);
  header.writeUInt32BE(offset, 4);
  header.writeUInt32BE(blobs.length, 8);
  return Buffer.concat([header, ...blobs.map(([, blob]) => blob)]);
}

function codeDirectory(code: Buffer, identifier: string, text: MachO["text"], requirements: Buffer): Buffer {
  const pages = Math.ceil(code.length / pageBytes);
  const directory = Buffer.alloc(directoryBytes(code.length, identifier));
  const hashesAt = directory.length - pages * hashBytes;
  const words: readonly (readonly [at: number, value: number])[] = [
    [0, magics.codeDirectory],
    [4, directory.length],
    [8, codeDirectoryVersion],
    [12, adHoc],
    [16, hashesAt],
    [20, codeDirectoryHeaderBytes],
    [24, 2],
    [28, pages],
    [32, code.length],
  ];
  for (const [at, value] of words) directory.writeUInt32BE(value, at);
  // Hashes are SHA-256 of pages of 2^12 bytes.
  directory.set([hashBytes, 2, 0, 12], 36);
  directory.writeBigUInt64BE(text.fileAt, 64);
  directory.writeBigUInt64BE(text.fileBytes, 72);
  directory.writeBigUInt64BE(mainBinary, 80);
  directory.write(identifier, codeDirectoryHeaderBytes);
  // Special slots lie in front of the pages, backwards: 1 the Info.plist, which there is none of, 2 the requirements.
  sha256(requirements).copy(directory, hashesAt - 2 * hashBytes);
  for (let index = 0; index < pages; index += 1) {
    const page = code.subarray(index * pageBytes, (index + 1) * pageBytes);
    sha256(page).copy(directory, hashesAt + index * hashBytes);
  }
  return directory;
}

function findBlob(superBlob: Buffer, slot: number): Buffer | undefined {
  for (let index = 0; index < superBlob.readUInt32BE(8); index += 1) {
    if (superBlob.readUInt32BE(12 + index * 8) !== slot) continue;
    const at = superBlob.readUInt32BE(16 + index * 8);
    return superBlob.subarray(at, at + superBlob.readUInt32BE(at + 4));
  }
  return undefined;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
