import { type BigIntStats, type Dirent, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CortexError, type Problem } from "../core/errors.ts";
import { isWithin } from "./check-root.ts";
import type { Ignores } from "./ignore-file.ts";
import { isFileLeftOut, isFolderLeftOut } from "./left-out.ts";

/** A file as it was found: what must be read is decided by its `stats`. */
export interface FoundFile {
  /** Relative to the root, with forward slashes, in Unicode's composed form (NFC). */
  readonly path: string;
  /** Absolute, as the file system spells it. */
  readonly source: string;
  readonly stats: BigIntStats;
}

export interface Listing {
  readonly files: readonly FoundFile[];
  readonly problems: readonly Problem[];
}

interface ListOptions {
  /** Absolute, without symbolic links. */
  readonly root: string;
  /** Relative to the root: the configuration file, and what else is not part of the project. */
  readonly except: ReadonlySet<string>;
  readonly ignores: Ignores;
}

/** Bounds memory and time where symbolic links multiply folders, or where somebody deploys from the wrong place. */
const mostFiles = 100_000;
/** Between two looks at the signal. */
const entriesPerTurn = 2_000;

/**
 * Lists a project's files in the order of their paths. The calls are synchronous because thousands of small ones
 * take a tenth of the time so; other work gets its turn in between.
 * @returns files, and everything that cannot be part of a project by name
 * @throws PROJECT_INVALID when there are more files than any project has
 */
export async function listFiles(options: ListOptions, signal: AbortSignal): Promise<Listing> {
  const walk = new Walk(options);
  for (let turn = 1; walk.step(); turn++) {
    if (turn % entriesPerTurn !== 0) continue;
    await nextTurn();
    signal.throwIfAborted();
  }
  return { files: walk.files.sort(byPath), problems: walk.problems };
}

/** A folder that is still to be read. `parents`: real paths of the folders it lies in, itself last. */
interface Folder {
  readonly path: string;
  readonly source: string;
  readonly parents: readonly string[];
}

type Pending = { readonly entry: Dirent; readonly folder: Folder };

class Walk {
  readonly files: FoundFile[] = [];
  readonly problems: Problem[] = [];
  readonly #options: ListOptions;
  readonly #folders: Folder[];
  #entries: Pending[] = [];

  constructor(options: ListOptions) {
    this.#options = options;
    this.#folders = [{ path: "", source: options.root, parents: [options.root] }];
  }

  /** Handles one entry, or reads one folder. @returns whether there is more to do */
  step(): boolean {
    const next = this.#entries.pop();
    if (next) this.#takeEntry(next);
    else {
      const folder = this.#folders.pop();
      if (!folder) return false;
      this.#readFolder(folder);
    }
    return true;
  }

  #readFolder(folder: Folder): void {
    const entries = this.#attempt(folder.path || ".", () => readdirSync(folder.source, { withFileTypes: true })) ?? [];
    const names = entries.map((entry) => entry.name);
    if (folder.path !== "" && isFolderLeftOut(basename(folder.source), names)) return;
    this.#entries = entries.map((entry) => ({ entry, folder }));
  }

  #takeEntry({ entry, folder }: Pending): void {
    const path = (folder.path === "" ? entry.name : `${folder.path}/${entry.name}`).normalize("NFC");
    if (this.#options.except.has(path)) return;
    const source = join(folder.source, entry.name);
    if (entry.isSymbolicLink()) this.#followLink(path, source, folder);
    else if (entry.isDirectory()) this.#addFolder(path, source, folder, source);
    else if (entry.isFile()) this.#addFile(path, source);
    // What else there is (sockets, pipes, devices) has no content that could be deployed.
  }

  #addFolder(path: string, source: string, parent: Folder, real: string): void {
    // The folder's own content is looked at when it is read; most that is left out is recognised by its name already.
    if (isFolderLeftOut(basename(source), []) || this.#options.ignores(`${path}/`)) return;
    this.#folders.push({ path, source, parents: [...parent.parents, real] });
  }

  #addFile(path: string, source: string): void {
    if (isFileLeftOut(path) || this.#options.ignores(path)) return;
    if (path.includes("\uFFFD") && !lstatSync(source, { throwIfNoEntry: false })) {
      this.problems.push({ message: `${path}: its name is not valid UTF-8`, hint: "rename it" });
      return;
    }
    const stats = this.#attempt(path, () => statSync(source, { bigint: true, throwIfNoEntry: false }));
    // A file that went away since its folder was read is not part of the project any more.
    if (stats) this.files.push({ path, source, stats });
    if (this.files.length > mostFiles) {
      throw new CortexError("PROJECT_INVALID", `the project has more than ${mostFiles} files`, {
        hint: "deploy from a folder that holds only what the handler needs, or list the rest in .cortexignore",
      });
    }
  }

  /** What a link inside the project leads to becomes part of it under the link's name. */
  #followLink(path: string, source: string, parent: Folder): void {
    if (isFileLeftOut(path) || this.#options.ignores(path) || this.#options.ignores(`${path}/`)) return;
    const real = realpathIfThere(source);
    const problem = real === undefined ? "leads nowhere" : this.#linkProblem(real, parent);
    if (real === undefined || problem !== undefined) {
      const hint = `replace the link by what it stands for, or list ${path} in .cortexignore`;
      this.problems.push({ message: `${path}: the symbolic link ${problem}`, hint });
      return;
    }
    const stats = this.#attempt(path, () => lstatSync(real));
    if (stats?.isDirectory()) this.#addFolder(path, source, parent, real);
    else if (stats?.isFile()) this.#addFile(path, source);
  }

  #linkProblem(real: string, parent: Folder): string | undefined {
    if (!isWithin(real, this.#options.root)) return `leads out of the project, to ${real}`;
    if (parent.parents.some((folder) => isWithin(folder, real))) return "leads to a folder that holds it";
    return undefined;
  }

  #attempt<T>(path: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.problems.push(unreadable(path, error));
      return undefined;
    }
  }
}

/** @returns what is wrong with a file or folder that could not be read */
export function unreadable(path: string, error: unknown): Problem {
  const { code } = error as NodeJS.ErrnoException;
  const why = code === "EACCES" || code === "EPERM" ? "you may not read it" : (code ?? String(error));
  return { message: `cannot read ${path}: ${why}`, hint: `change its permissions, or list ${path} in .cortexignore` };
}

function realpathIfThere(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : 1;
}
