import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Opens a file of a project for reading.
 * @param path as in `Project.files`: composed (NFC), whereas the file system may spell the same name otherwise
 */
export async function openProjectFile(root: string, path: string): Promise<FileHandle> {
  try {
    return await open(join(root, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return open(await findSpelling(root, path));
  }
}

async function findSpelling(root: string, path: string): Promise<string> {
  let source = root;
  for (const name of path.split("/")) {
    const entries = await readdir(source);
    source = join(source, entries.find((entry) => entry.normalize("NFC") === name) ?? name);
  }
  return source;
}
