import { imageUser } from "../image.ts";

/** Something that a layer holds; its user, group and time are the same for all. */
export type TarEntry =
  | { readonly type: "folder"; readonly path: string }
  | { readonly type: "symlink"; readonly path: string; readonly target: string }
  | {
      readonly type: "file";
      readonly path: string;
      readonly bytes: number;
      readonly executable: boolean;
      /** Yields exactly `bytes` bytes. */
      open(): AsyncIterable<Buffer> | Iterable<Buffer>;
    };

const blockBytes = 512;
/** Largest number that the header's size field can hold. */
const mostPlainBytes = 0o77777777777;
const folderMode = 0o755;
const fileMode = 0o644;
const executableMode = 0o755;

/**
 * Writes entries as a tar archive, in the order given: plain ustar headers, and PAX ones for names that are long or not
 * ASCII and for files from 8 GiB on. The same entries give the same bytes everywhere.
 */
export async function* writeTar(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const entry of entries) {
    yield headerOf(entry);
    if (entry.type !== "file") continue;
    let bytes = 0;
    for await (const chunk of entry.open()) {
      bytes += chunk.length;
      yield chunk;
    }
    if (bytes !== entry.bytes) throw new Error(`${entry.path} has ${bytes} bytes, not ${entry.bytes}`);
    if (bytes % blockBytes !== 0) yield Buffer.alloc(blockBytes - (bytes % blockBytes));
  }
  yield Buffer.alloc(2 * blockBytes);
}

/** @returns `files` with the folders that they lie in, each before what it holds, all in the order of their paths */
export function withFolders<T extends { readonly path: string }>(
  files: readonly T[],
): (T | { readonly type: "folder"; readonly path: string })[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const folder = path.slice(0, slash);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  const all = [...files, ...[...folders].map((path) => ({ type: "folder", path }) as const)];
  return all.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

function headerOf(entry: TarEntry): Buffer {
  const path = entry.type === "folder" ? `${entry.path}/` : entry.path;
  const target = entry.type === "symlink" ? entry.target : "";
  const bytes = entry.type === "file" ? entry.bytes : 0;
  const records: [string, string][] = [];
  if (!fits(path)) records.push(["path", path]);
  if (!fits(target)) records.push(["linkpath", target]);
  if (bytes > mostPlainBytes) records.push(["size", String(bytes)]);
  const flag = { file: "0", symlink: "2", folder: "5" }[entry.type];
  const isExecutable = entry.type === "symlink" || (entry.type === "file" && entry.executable);
  const mode = entry.type === "folder" ? folderMode : isExecutable ? executableMode : fileMode;
  const plain = block({
    path: short(path),
    target: short(target),
    bytes: bytes > mostPlainBytes ? 0 : bytes,
    mode,
    flag,
  });
  if (records.length === 0) return plain;
  const extra = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const padding = Buffer.alloc((blockBytes - (extra.length % blockBytes)) % blockBytes);
  const header = block({ path: "PaxHeaders/entry", target: "", bytes: extra.length, mode: fileMode, flag: "x" });
  return Buffer.concat([header, extra, padding, plain]);
}

interface HeaderFields {
  readonly path: string;
  readonly target: string;
  readonly bytes: number;
  readonly mode: number;
  readonly flag: string;
}

function block({ path, target, bytes, mode, flag }: HeaderFields): Buffer {
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  header.write(path, 0, "latin1");
  octal(mode, 100, 8);
  octal(imageUser, 108, 8);
  octal(imageUser, 116, 8);
  octal(bytes, 124, 12);
  octal(0, 136, 12);
  header.write(" ".repeat(8), 148, "latin1");
  header.write(flag, 156, "latin1");
  header.write(target, 157, "latin1");
  header.write("ustar\0" + "00", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

function fits(text: string): boolean {
  return text.length <= 100 && /^[\x20-\x7e]*$/.test(text);
}

/** What readers show that do not know PAX. */
function short(text: string): string {
  return fits(text) ? text : text.replace(/[^\x20-\x7e]/g, "_").slice(-100);
}

/** A record names its own length, that of the number included. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}
