import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { projectRoot } from "../toolchain.mjs";
import { readTarFile } from "./tar.ts";
import type { Target } from "./targets.ts";

/** Outlives `dist`, and goes with the packages that it belongs to. */
const cache = join(projectRoot, "node_modules", ".cache", "cortex-bases");

export interface Locked {
  readonly version: string;
  /** As npm writes it: `sha512-` and base64. */
  readonly integrity: string;
}

/**
 * Reads the Node that `target` is made from. npm installs only that of this machine, so the package is fetched by npm itself,
 * from the registry that it is configured with, and kept; what package-lock.json does not vouch for is never used.
 * @throws Error when it cannot be fetched, or is not what the lock names
 */
export async function readBase(target: Target): Promise<Buffer> {
  return readBaseFile(target, target.executable);
}

/** Reads another file of the base's package, such as its licence. */
export async function readBaseFile({ base }: Target, path: string): Promise<Buffer> {
  const locked = lockedBase(base);
  const archive = await readArchive(base, locked);
  const found = readTarFile(await promisify(gunzip)(archive), `package/${path}`);
  if (!found) throw new Error(`${base} ${locked.version} has no file ${path}`);
  return found;
}

/** The version that every base has. @throws Error when the lock names several */
export function baseVersion(all: readonly Target[]): string {
  const versions = new Set(all.map(({ base }) => lockedBase(base).version));
  if (versions.size !== 1) throw new Error(`package-lock.json names Nodes of several versions: ${[...versions]}`);
  return [...versions][0]!;
}

/** @returns whether `bytes` have the sha512 of an `integrity` line of npm */
function matchesIntegrity(bytes: Uint8Array, integrity: string): boolean {
  return `sha512-${createHash("sha512").update(bytes).digest("base64")}` === integrity;
}

function lockedBase(name: string): Locked {
  const lock = JSON.parse(readFileSync(join(projectRoot, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, Partial<Locked>>>;
  };
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (!version || !integrity?.startsWith("sha512-")) throw new Error(`package-lock.json has no sha512 of ${name}`);
  return { version, integrity };
}

/**
 * @param fetch puts `NAME-VERSION.tgz` of a package that is called `NAME@VERSION` into a folder
 * @param kept where it lies when it was fetched before
 * @throws Error when what was fetched is not what `locked` names; then nothing is kept
 */
export async function readArchive(
  name: string,
  { version, integrity }: Locked,
  fetch = fetchPackage,
  kept = cache,
): Promise<Buffer> {
  const file = join(kept, `${name}-${version}.tgz`);
  const before = await readFile(file).catch(() => undefined);
  if (before && matchesIntegrity(before, integrity)) return before;
  await mkdir(kept, { recursive: true });
  const partial = await mkdtemp(join(kept, "partial-"));
  try {
    process.stderr.write(`fetching ${name} ${version} from npm\n`);
    await fetch(`${name}@${version}`, partial);
    const fetched = await readFile(join(partial, `${name}-${version}.tgz`));
    if (!matchesIntegrity(fetched, integrity))
      throw new Error(`${name} ${version} is not what package-lock.json names`);
    await rename(join(partial, `${name}-${version}.tgz`), file);
    return fetched;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** `npm ci` has left the one of this machine in npm's own cache. */
function fetchPackage(wanted: string, folder: string): Promise<void> {
  const args = ["pack", wanted, "--prefer-offline", "--silent", "--ignore-scripts", "--pack-destination", folder];
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, shell: process.platform === "win32" };
    const child = spawn("npm", args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr!.on("data", (text) => {
      said += text;
    });
    child.on("error", reject);
    child.on("close", (status) =>
      status === 0
        ? resolve()
        : reject(new Error(`npm could not fetch ${wanted}: ${said.trim() || `status ${status}`}`)),
    );
  });
}
