import { isAbsolute, parse, relative } from "node:path";
import { CortexError } from "../core/errors.ts";

interface Folders {
  /** The project's; all paths are absolute and without symbolic links. */
  readonly root: string;
  readonly userHome: string;
  readonly cortexHome: string | undefined;
}

/**
 * Refuses folders that hold everything a user has: whoever deploys from there did not mean all of it.
 * @throws PROJECT_INVALID
 */
export function checkRoot({ root, userHome, cortexHome }: Folders): void {
  const what = describeRoot(root, userHome, cortexHome);
  if (!what) return;
  throw new CortexError("PROJECT_INVALID", `cannot deploy from ${root}: it is ${what}`, {
    hint: "move cortex.yaml and the files it needs into a folder of their own",
  });
}

function describeRoot(root: string, userHome: string, cortexHome: string | undefined): string | undefined {
  if (root === parse(root).root) return "the root of the file system";
  if (root === userHome) return "your home folder";
  if (isWithin(userHome, root)) return "a folder that holds your home folder";
  if (cortexHome !== undefined && isWithin(root, cortexHome)) return "a folder of Cortex's own";
  return undefined;
}

/** @returns whether `path` is `folder` or lies in it */
export function isWithin(path: string, folder: string): boolean {
  const between = relative(folder, path);
  return between !== ".." && !/^\.\.[\\/]/.test(between) && !isAbsolute(between);
}
