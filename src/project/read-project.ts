import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import type { Project, ProjectFile } from "../core/environment.ts";
import { CortexError, type Problem } from "../core/errors.ts";
import { userHome } from "../platform/home.ts";
import { atMost } from "./at-most.ts";
import { checkRoot } from "./check-root.ts";
import { type HashCache, openHashCache } from "./hash-cache.ts";
import { hashFile } from "./hash-file.ts";
import { type Ignores, ignoreFile, readIgnoreFile } from "./ignore-file.ts";
import { type FoundFile, listFiles, unreadable } from "./list-files.ts";

export interface ReadProjectOptions {
  /** Path of the configuration file, which is no part of the project; relative to the root or absolute. */
  readonly configFile: string;
  readonly signal: AbortSignal;
  /** Where hashes are remembered; without it every file is read. */
  readonly cacheFile?: string;
  /** The folder in which Cortex keeps its own things; where it lies inside a project it is no part of it. */
  readonly environmentHome?: string;
  /** The user's home folder, if not that of the process. */
  readonly userHome?: string;
}

/** Files that are read at the same time. */
const readers = 8;

/**
 * Reads what a project consists of: every file below its root, but hidden files (`.env` belongs to it nevertheless),
 * the configuration file, bytecode, virtual environments, `node_modules`, and what `.cortexignore` names.
 * @throws PROJECT_INVALID with every problem at once
 */
export async function readProject(root: string, options: ReadProjectOptions): Promise<Project> {
  const { signal } = options;
  const realRoot = await realpath(root);
  const cortexHome = options.environmentHome === undefined ? undefined : await realpathOrSame(options.environmentHome);
  checkRoot({ root: realRoot, userHome: await realpathOrSame(options.userHome ?? userHome()), cortexHome });
  const configFile = resolve(realRoot, options.configFile);
  const notOurs = [configFile, await realpathOrSame(configFile), cortexHome].filter((path) => path !== undefined);
  const except = new Set(notOurs.map((path) => toProjectPath(realRoot, path)));
  const ignores = await readIgnores(realRoot);
  const { files: found, problems } = await listFiles({ root: realRoot, except, ignores }, signal);
  const cache = await openHashCache(options.cacheFile, realRoot);
  const hashed = await atMost(readers, found, (file) => readFile(file, cache, signal), signal);
  // A cache that cannot be written costs time on the next run, and that run says what is wrong with the home.
  await cache.save().catch(() => {});
  const wrong = [...problems, ...hashed.filter((one) => "message" in one)];
  if (wrong.length > 0) throw asError(wrong);
  const files = hashed.filter((one) => "path" in one);
  return summarise(realRoot, files);
}

/** @returns the file, or what is wrong with it */
async function readFile(found: FoundFile, cache: HashCache, signal: AbortSignal): Promise<ProjectFile | Problem> {
  const { path, source, stats } = found;
  const known = cache.find(path, stats);
  if (known !== undefined) return toProjectFile(path, stats, known);
  try {
    const hashed = await hashFile(source, path, signal);
    cache.add(path, hashed);
    return toProjectFile(path, hashed.stats, hashed.sha256);
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof CortexError ? toProblem(error) : unreadable(path, error);
  }
}

async function readIgnores(root: string): Promise<Ignores> {
  try {
    return await readIgnoreFile(root);
  } catch (error) {
    throw asError([unreadable(ignoreFile, error)]);
  }
}

function toProjectFile(path: string, { size, mode }: FoundFile["stats"], sha256: string): ProjectFile {
  return { path, bytes: Number(size), executable: process.platform !== "win32" && (mode & 0o100n) !== 0n, sha256 };
}

function summarise(root: string, files: readonly ProjectFile[]): Project {
  const hash = createHash("sha256");
  for (const { path, executable, sha256 } of files) hash.update(`${path}\0${executable ? "x" : "-"}\0${sha256}\n`);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return { root, digest: hash.digest("hex"), files, totalBytes };
}

function toProblem({ message, hint }: CortexError): Problem {
  return { message, ...(hint !== undefined && { hint }) };
}

/** @param problems at least one */
function asError(problems: readonly Problem[]): CortexError {
  const [first] = problems;
  if (first && problems.length === 1) return new CortexError("PROJECT_INVALID", first.message, first);
  return new CortexError("PROJECT_INVALID", `the project has ${problems.length} problems`, { problems });
}

function toProjectPath(root: string, path: string): string {
  return relative(root, path).split(sep).join("/").normalize("NFC");
}

/** @returns `path` without symbolic links; as it is when there is nothing there */
async function realpathOrSame(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}
