import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, posix, relative, sep } from "node:path";
import { CortexError } from "../core/errors.ts";

/** A line of a requirements file that means something, its continuation lines joined. */
export interface RequirementLine {
  /** Relative to the project, with forward slashes. */
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  readonly text: string;
}

export interface Requirements {
  /** The file to install from, relative to the project. */
  readonly file: string;
  /** Of that file and of all that it includes. */
  readonly lines: readonly RequirementLine[];
  /** Files and folders of the project that are installed from, relative to it; "." is the project itself. */
  readonly localPaths: readonly string[];
}

const include = /^(?:-r|--requirement|-c|--constraint)(?:\s+|=|(?=[^-\s]))(.+)$/;
const editable = /^(?:-e|--editable)(?:\s+|=)(.+)$/;
const findLinks = /^(?:-f|--find-links)(?:\s+|=)(.+)$/;

/**
 * Reads a requirements file with all that it includes.
 * @param file relative to the project
 * @returns undefined when it is not there, or asks for nothing
 * @throws PROJECT_INVALID when it includes what is not in the project
 */
export async function readRequirements(projectDir: string, file: string): Promise<Requirements | undefined> {
  const lines: RequirementLine[] = [];
  const localPaths = new Set<string>();
  const seen = new Set<string>();
  const read = async (name: string, includedBy?: RequirementLine): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const text = await readText(projectDir, name);
    if (text === undefined) {
      if (includedBy) throw notThere(name, includedBy);
      return;
    }
    for (const line of splitLines(name, text)) {
      lines.push(line);
      const included = include.exec(line.text)?.[1];
      if (included && !isRemote(included)) await read(resolveIn(name, included, line), line);
      const path = localPath(line.text);
      if (path !== undefined) localPaths.add(resolveIn(name, path, line));
    }
  };
  await read(toPosix(normalize(file)));
  const asks = lines.some(({ text }) => !text.startsWith("-") || editable.test(text));
  return asks ? { file, lines, localPaths: [...localPaths].sort() } : undefined;
}

function splitLines(file: string, text: string): RequirementLine[] {
  const found: RequirementLine[] = [];
  let pending: { line: number; text: string } | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const start = pending ?? { line: index + 1, text: "" };
    const isContinued = raw.endsWith("\\");
    pending = { line: start.line, text: start.text + (isContinued ? raw.slice(0, -1) : raw) };
    if (isContinued) continue;
    const meaning = pending.text.replace(/(^|\s+)#.*$/, "").trim();
    if (meaning !== "") found.push({ file, line: pending.line, text: meaning });
    pending = undefined;
  }
  if (pending && pending.text.trim() !== "") found.push({ file, line: pending.line, text: pending.text.trim() });
  return found;
}

/** @returns the path that a line installs from or looks for wheels in, undefined when it names none */
function localPath(text: string): string | undefined {
  const linked = findLinks.exec(text)?.[1];
  const named = (editable.exec(text)?.[1] ?? linked ?? (text.startsWith("-") ? "" : text)).trim();
  const direct = / @ (?:file:)?(\.{1,2}\/\S+)/.exec(named)?.[1] ?? named;
  const path = direct
    .split(/\s*;\s|\s+--/)[0]!
    .replace(/\[[^\]]*\]$/, "")
    .replace(/^file:(?!\/)/, "");
  if (linked !== undefined) return isRemote(path) || isAbsolute(path) ? undefined : path;
  const isPath = path === "." || path === ".." || path.startsWith("./") || path.startsWith("../");
  const isFile = /^[^\s:]+\.(whl|tar\.gz|zip)$/.test(path) && !isAbsolute(path);
  return isPath || isFile ? path : undefined;
}

function isRemote(path: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(path);
}

/** @throws PROJECT_INVALID when `path`, as `file` names it, leaves the project */
function resolveIn(file: string, path: string, from: RequirementLine): string {
  const resolved = posix.normalize(posix.join(posix.dirname(file), toPosix(path.trim())));
  if (!isAbsolute(path) && resolved !== ".." && !resolved.startsWith("../")) return resolved.replace(/(.)\/$/, "$1");
  throw new CortexError("PROJECT_INVALID", `${path.trim()} is outside of the project`, {
    at: { file: from.file, line: from.line, column: 1, text: from.text },
    hint: "move it into the folder of cortex.yaml, and name it by its place there",
  });
}

function notThere(name: string, from: RequirementLine): CortexError {
  return new CortexError("PROJECT_INVALID", `there is no file ${name}`, {
    at: { file: from.file, line: from.line, column: 1, text: from.text },
    hint: "is it left out by .cortexignore?",
  });
}

async function readText(projectDir: string, name: string): Promise<string | undefined> {
  const path = join(projectDir, name);
  if (relative(projectDir, dirname(path)).startsWith("..")) return undefined;
  try {
    return decode(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Windows' editors and shells write UTF-16, or a mark before UTF-8; pip reads these too. */
function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le", 2);
  return bytes.toString("utf8").replace(/^\ufeff/, "");
}

function toPosix(path: string): string {
  return sep === "\\" ? path.replaceAll("\\", "/") : path;
}
