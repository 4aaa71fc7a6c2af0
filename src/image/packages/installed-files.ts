/** A file of a package as it lies in a folder for `sys.path`. */
export interface InstalledFile {
  /** Relative to that folder, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly executable: boolean;
  open(): AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** What differs between installers and machines, or may hold an address with a password. */
const notKept = /^[^/]+\.dist-info\/(?:INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json|uv_build\.json)$/;
const recordFile = /^[^/]+\.dist-info\/RECORD$/;
/** Scripts and lists are short; what is longer is a program. */
const longestScript = 1 << 20;

/**
 * Brings what an installer left, or what wheels hold, to the one form that every machine makes: no bytecode, no traces of
 * the installer, no scripts that name an interpreter of this machine, lists that name what is there, in the order of paths.
 */
export async function normalise(files: readonly InstalledFile[]): Promise<InstalledFile[]> {
  const kept = new Map<string, InstalledFile>();
  for (const file of files) {
    if (isLeftOut(file.path) || (await isPythonScript(file))) continue;
    kept.set(file.path, file);
  }
  const all = [...kept.values()].map((file) => (recordFile.test(file.path) ? rewritten(file, kept) : file));
  const done = await Promise.all(all);
  return done.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/**
 * Where a member of a wheel is installed.
 * @returns undefined when it is not
 * @throws Error when it would leave the folder
 */
export function placeInFolder(path: string): string | undefined {
  if (path.startsWith("/") || path.split("/").includes("..")) throw new Error(`a wheel holds ${path}`);
  const [, scheme, rest] = /^[^/]+\.data\/([^/]+)\/(.+)$/.exec(path) ?? [];
  if (scheme === undefined || rest === undefined) return path;
  if (scheme === "purelib" || scheme === "platlib" || scheme === "data") return rest;
  return scheme === "scripts" ? `bin/${rest}` : undefined;
}

function isLeftOut(path: string): boolean {
  const isBytecode = /\.py[co]$/.test(path) || /(?:^|\/)__pycache__\//.test(path);
  return isBytecode || notKept.test(path) || path === ".lock";
}

async function isPythonScript(file: InstalledFile): Promise<boolean> {
  if (!file.path.startsWith("bin/") || file.bytes > longestScript) return false;
  const text = (await readWhole(file)).toString("latin1", 0, 400);
  // Long interpreters' paths stand in a second line, after a line for the shell.
  return /^#!.*python/i.test(text) || /^#!\/bin\/sh\n'''exec' /.test(text);
}

async function rewritten(file: InstalledFile, kept: ReadonlyMap<string, InstalledFile>): Promise<InstalledFile> {
  const lines = (await readWhole(file)).toString("utf8").split(/\r?\n/);
  const listed = lines.filter((line) => {
    const path = placeInRecord(line);
    return path !== undefined && path !== file.path && kept.has(path);
  });
  const content = Buffer.from([...new Set(listed)].sort().concat(`${file.path},,`, "").join("\n"));
  return { path: file.path, bytes: content.length, executable: false, open: () => [content] };
}

/** A line is "PATH,HASH,BYTES"; a path with a comma stands in quotes. */
function placeInRecord(line: string): string | undefined {
  const quoted = /^"((?:[^"]|"")*)",/.exec(line)?.[1]?.replaceAll('""', '"');
  const path = quoted ?? line.slice(0, Math.max(0, line.indexOf(",")));
  return path === "" || path.startsWith("..") || path.startsWith("/") ? undefined : path;
}

async function readWhole(file: InstalledFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of file.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
