import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Python } from "../../../packages/find-python.ts";
import type { Requirements } from "../../../packages/requirements.ts";

export interface KeyParts {
  readonly python: Python;
  readonly projectDir: string;
  readonly requirements: Requirements | undefined;
  /** Content of dependencies.sh. */
  readonly script: Buffer | undefined;
  /** Values of `env` and `.env`. */
  readonly values: Readonly<Record<string, string>>;
}

/** Of this layout; environments of another one are made anew. */
const format = 1;
/** Larger files of a package that is installed from the project count by name and size: they hold data, not code. */
const wholeFileBytes = 4 * 1024 * 1024;

/** @returns the hash of all that decides what an environment holds; 32 characters, hex */
export async function environmentKey(parts: KeyParts): Promise<string> {
  const { python, projectDir, requirements, script, values } = parts;
  const hash = createHash("sha256");
  const { executable, version, platform, libc, abiFlags } = python;
  add(hash, "python", JSON.stringify([format, executable, version, platform, libc, abiFlags]));
  for (const { file, text } of requirements?.lines ?? []) add(hash, file, text);
  for (const path of requirements?.localPaths ?? []) await addPath(hash, projectDir, path);
  if (script) {
    add(hash, "script", script);
    // It may do anything with them.
    add(hash, "values", JSON.stringify(Object.entries(values).sort()));
  } else if (requirements) {
    const settings = Object.entries(values).filter(([name]) => /^(PIP|UV)_/.test(name));
    add(hash, "values", JSON.stringify(settings.sort()));
  }
  return hash.digest("hex").slice(0, 32);
}

function add(hash: Hash, name: string, content: string | Buffer): void {
  hash.update(`${name}\0${Buffer.byteLength(content)}\0`).update(content);
}

async function addPath(hash: Hash, projectDir: string, path: string): Promise<void> {
  const info = await stat(join(projectDir, path)).catch(() => undefined);
  if (!info) return add(hash, path, "nothing");
  if (info.isFile()) return addFile(hash, projectDir, path, info.size);
  const names = (await readdir(join(projectDir, path))).sort();
  for (const name of names) {
    // Made by builds and by running, from what is hashed already.
    if (name.startsWith(".") || name === "__pycache__" || name === "build" || name.endsWith(".egg-info")) continue;
    await addPath(hash, projectDir, path === "." ? name : `${path}/${name}`);
  }
}

async function addFile(hash: Hash, projectDir: string, path: string, bytes: number): Promise<void> {
  hash.update(`${path}\0${bytes}\0`);
  if (bytes > wholeFileBytes) return;
  for await (const chunk of createReadStream(join(projectDir, path))) hash.update(chunk as Buffer);
}
