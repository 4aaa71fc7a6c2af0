import { existsSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { ProjectFiles } from "../core/deploy.ts";
import { CortexError } from "../core/errors.ts";

export interface ProjectFilesOptions {
  /** Relative paths, and those in messages, are meant from here. */
  readonly workingFolder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Remembers hashes of files between commands. */
  readonly cacheFile: string;
  /** Where Cortex keeps its own things: no project is looked for there. */
  readonly home: string;
}

/** Reads configuration files and projects from disk. */
export function projectFiles({ workingFolder, variables, cacheFile, home }: ProjectFilesOptions): ProjectFiles {
  return {
    async parse(file) {
      const configFile = await findConfiguration(resolve(workingFolder, file), file);
      const root = dirname(configFile);
      const [text, { parseApis }] = await Promise.all([readFile(configFile), import("../spec/parse-apis.ts")]);
      const shown = relative(workingFolder, configFile);
      const parsed = await parseApis({
        file: shown.startsWith("..") ? configFile : shown,
        text,
        variables,
        exists: (path) => kindOf(join(root, path)),
      });
      return { ...parsed, root, configFile };
    },
    async read(root, configFile, signal) {
      const { readProject } = await import("./read-project.ts");
      return readProject(root, { configFile, signal, cacheFile, environmentHome: home });
    },
    async questions(project) {
      const { projectQuestions } = await import("./project-questions.ts");
      return projectQuestions(project);
    },
  };
}

function kindOf(path: string): boolean | "file" | "folder" {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return "file";
  return found?.isDirectory() ? "folder" : found !== undefined;
}

/** @returns `path` itself, or the cortex.yaml in it when it is a folder. @throws FILE_NOT_FOUND */
async function findConfiguration(path: string, asWritten: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return path;
  if (found?.isDirectory()) {
    const inside = join(path, "cortex.yaml");
    if (existsSync(inside)) return inside;
    throw new CortexError("FILE_NOT_FOUND", `there is no cortex.yaml in ${asWritten}`, {
      hint: "name the configuration file: cortex deploy FILE",
    });
  }
  throw new CortexError("FILE_NOT_FOUND", `there is no file ${asWritten}`, {
    hint: "give the path of a configuration file, or of a folder that holds cortex.yaml",
  });
}
