import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CortexError } from "../../core/errors.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { App } from "../app.ts";
import { warningText } from "../render/error-text.ts";
import { paletteFor } from "../render/paint.ts";

export const defaultClusterFile = "cluster.yaml";

/** @returns whether `file`, or cluster.yaml where none is named, is there */
export function hasClusterFile(app: App, file = defaultClusterFile): boolean {
  return existsSync(resolve(app.workingFolder, file));
}

/**
 * Reads a cluster.yaml, or that of a folder, and prints what it warns of.
 * @throws FILE_NOT_FOUND, SPEC_INVALID with all problems of the file
 */
export async function readClusterFile(app: App, file = defaultClusterFile): Promise<Cluster> {
  const path = resolve(app.workingFolder, file);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const named = isFolder ? join(file, defaultClusterFile) : file;
  const { parseCluster } = await import("../../spec/parse-cluster.ts");
  const text = await readText(isFolder ? join(path, defaultClusterFile) : path, named);
  const { cluster, warnings } = await parseCluster({ file: named, text, variables: app.variables });
  if (warnings.length > 0) {
    const { stderr } = app.terminal;
    const options = { palette: await paletteFor(stderr), columns: stderr.columns, withStacks: false };
    for (const warning of warnings) await stderr.write(warningText(warning, options));
  }
  return cluster;
}

async function readText(path: string, named: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      throw new CortexError("FAILED", `cannot read ${named}: ${code}`, { cause });
    }
    throw new CortexError("FILE_NOT_FOUND", `there is no file ${named}`, {
      hint: "`cortex cluster up` without a file asks what it needs, and writes one",
      cause,
    });
  }
}
