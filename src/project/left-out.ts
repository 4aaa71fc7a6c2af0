/** Folders that are no part of a project, whatever they hold: bytecode, and packages of another language. */
const leftOutFolders = new Set(["__pycache__", "node_modules"]);

/** Written by older versions of Cortex beside the project. */
const debugBundle = /^cortex-debug.*\.tgz$/;

/** Marks the folder that it lies in as a virtual environment of Python's. */
const environmentMarker = "pyvenv.cfg";

/** @returns whether a folder of this name, holding `entries`, is never part of a project */
export function isFolderLeftOut(name: string, entries: readonly string[]): boolean {
  return isHidden(name) || leftOutFolders.has(name) || entries.includes(environmentMarker);
}

/** @param path relative to the project's root. @returns whether such a file is never part of a project */
export function isFileLeftOut(path: string): boolean {
  if (path === ".env") return false;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return isHidden(name) || /\.py[co]$/.test(name) || debugBundle.test(name);
}

function isHidden(name: string): boolean {
  return name.startsWith(".");
}
