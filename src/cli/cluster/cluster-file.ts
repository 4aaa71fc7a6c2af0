import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { WalkFailure } from "../../core/cloud-cluster.ts";
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

type PlaceOf = ParsedCluster["placeOf"];

/** What AWS has against a field is told where the field stands. */
export async function withPlaces<T>({ placeOf }: Pick<ParsedCluster, "placeOf">, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof CortexError ? placedError(error, placeOf) : error;
  }
}

/** The same for what failed of a plan that was done. */
export function placedFailures(failures: readonly WalkFailure[], placeOf: PlaceOf): readonly WalkFailure[] {
  return failures.map((failure) => ({ ...failure, error: placedError(failure.error, placeOf, failure.field) }));
}

/** @param field that it is about where it does not say so itself */
function placedError(error: CortexError, placeOf: PlaceOf, field?: string): CortexError {
  const { code, message, hint, details, cause } = error;
  const problems = error.problems.map((problem) => placed(problem, placeOf, field));
  const { at } = placed({ message, ...(error.at && { at: error.at }) }, placeOf, field);
  return new CortexError(code, message, {
    ...(at && { at }),
    ...(hint !== undefined && { hint }),
    ...(details !== undefined && { details }),
    problems,
    cause,
  });
}

/** A problem begins with the field that it is about, if it is about one: `vpc_cidr is …`, `node_groups.cpu.instance_type: …`. */
function placed(problem: Problem, placeOf: PlaceOf, about: string | undefined): Problem {
  const [, field] = /^([a-z_]+(?:\.[-\w]+)*)(?=:| is )/.exec(problem.message) ?? [];
  const place = (one: string | undefined) => (one === undefined ? undefined : placeOf(one));
  const at = problem.at ?? place(field) ?? place(about);
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
