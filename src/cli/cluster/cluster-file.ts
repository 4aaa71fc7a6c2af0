import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CortexError, type Problem } from "../../core/errors.ts";
import type { ParsedCluster } from "../../spec/parse-cluster.ts";
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
export async function readClusterFile(app: App, file = defaultClusterFile): Promise<ParsedCluster> {
  const path = resolve(app.workingFolder, file);
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const named = isFolder ? join(file, defaultClusterFile) : file;
  const { parseCluster } = await import("../../spec/parse-cluster.ts");
  const text = await readText(isFolder ? join(path, defaultClusterFile) : path, named);
  const parsed = await parseCluster({ file: named, text, variables: app.variables });
  const { warnings } = parsed;
  if (warnings.length > 0) {
    const { stderr } = app.terminal;
    const options = { palette: await paletteFor(stderr), columns: stderr.columns, withStacks: false };
    for (const warning of warnings) await stderr.write(warningText(warning, options));
  }
  return parsed;
}

/** What AWS has against a field is told where the field stands. */
export async function withPlaces<T>({ placeOf }: ParsedCluster, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof CortexError)) throw error;
    const { code, message, hint, details, cause } = error;
    const problems = error.problems.map((problem) => placed(problem, placeOf));
    const { at } = placed({ message, ...(error.at && { at: error.at }) }, placeOf);
    throw new CortexError(code, message, {
      ...(at && { at }),
      ...(hint !== undefined && { hint }),
      ...(details !== undefined && { details }),
      problems,
      cause,
    });
  }
}

/** A problem begins with the field that it is about, if it is about one: `vpc_cidr is …`, `node_groups.cpu.instance_type: …`. */
function placed(problem: Problem, placeOf: ParsedCluster["placeOf"]): Problem {
  const [, field] = /^([a-z_]+(?:\.[-\w]+)*)(?=:| is )/.exec(problem.message) ?? [];
  const at = problem.at ?? (field === undefined ? undefined : placeOf(field));
  return at ? { ...problem, at } : problem;
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
