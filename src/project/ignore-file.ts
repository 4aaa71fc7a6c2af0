import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** @param path relative to the root, with forward slashes, and a trailing one for a folder */
export type Ignores = (path: string) => boolean;

export const ignoreFile = ".cortexignore";

/** @returns what the project's `.cortexignore` (in gitignore's syntax) leaves out: nothing when there is none */
export async function readIgnoreFile(root: string): Promise<Ignores> {
  const text = await readIfThere(join(root, ignoreFile));
  if (text === undefined) return () => false;
  const { default: ignore } = await import("ignore");
  const rules = ignore({ ignorecase: false }).add(text.replace(/^\uFEFF/, ""));
  return (path) => rules.ignores(path);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
