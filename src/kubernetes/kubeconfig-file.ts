import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { CortexError } from "../core/errors.ts";
import { parsePlainYaml } from "./plain-yaml.ts";

/** A kubeconfig's cluster, user or context entry with the file that it stands in, against which its paths resolve. */
export interface Entry<T> {
  readonly value: T;
  readonly file: string;
}

export interface ClusterEntry {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
  readonly "proxy-url"?: string;
  readonly extensions?: readonly { readonly name?: string; readonly extension?: unknown }[];
}

export interface UserEntry {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly "as-uid"?: string;
  readonly "as-groups"?: readonly string[];
  readonly "as-user-extra"?: Readonly<Record<string, readonly string[]>>;
  readonly exec?: ExecEntry;
  readonly "auth-provider"?: { readonly name?: string };
}

export interface ExecEntry {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: "Never" | "IfAvailable" | "Always";
}

export interface ContextEntry {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** All files of a kubeconfig as one; of entries with one name the first file's counts, as with kubectl. */
export interface Kubeconfig {
  readonly files: readonly string[];
  readonly currentContext: Entry<string> | undefined;
  readonly clusters: ReadonlyMap<string, Entry<ClusterEntry>>;
  readonly users: ReadonlyMap<string, Entry<UserEntry>>;
  readonly contexts: ReadonlyMap<string, Entry<ContextEntry>>;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** @returns the files that `KUBECONFIG` lists, else `~/.kube/config`; whether they exist is open */
export function kubeconfigFiles(variables: Variables, home: string): string[] {
  const separator = process.platform === "win32" ? ";" : ":";
  const listed = (variables.KUBECONFIG ?? "").split(separator).filter((file) => file !== "");
  const files = listed.length > 0 ? listed : [join(home, ".kube", "config")];
  return [...new Set(files.map((file) => resolve(file)))];
}

/**
 * Reads and merges `files`; one that does not exist is passed over.
 * @returns undefined when none exists, or none holds anything
 * @throws SPEC_INVALID with file, line and column; FAILED for one that cannot be read
 */
export async function readKubeconfig(files: readonly string[]): Promise<Kubeconfig | undefined> {
  const found = await Promise.all(files.map(async (file) => ({ file, value: await readOne(file) })));
  const parts = found.filter((one): one is { file: string; value: Record<string, unknown> } => one.value !== undefined);
  if (parts.length === 0) return undefined;
  return mergeKubeconfigs(parts);
}

/** @param parts what each file holds, the first one with the last word */
export function mergeKubeconfigs(
  parts: readonly { readonly file: string; readonly value: Readonly<Record<string, unknown>> }[],
): Kubeconfig {
  const current = parts.find(({ value }) => typeof value["current-context"] === "string" && value["current-context"]);
  return {
    files: parts.map(({ file }) => file),
    currentContext: current && { value: current.value["current-context"] as string, file: current.file },
    clusters: merged(parts, "clusters", "cluster"),
    users: merged(parts, "users", "user"),
    contexts: merged(parts, "contexts", "context"),
  };
}

function merged<T>(
  parts: readonly { readonly file: string; readonly value: Readonly<Record<string, unknown>> }[],
  list: string,
  key: string,
): Map<string, Entry<T>> {
  const entries = new Map<string, Entry<T>>();
  for (const { file, value } of parts) {
    const all = value[list] ?? [];
    if (!Array.isArray(all)) throw invalid(`${file}: ${list} is no list`);
    for (const one of all as readonly (Record<string, unknown> | null)[]) {
      const name = one?.name;
      if (typeof name !== "string") throw invalid(`${file}: an entry of ${list} has no name`);
      if (!entries.has(name)) entries.set(name, { value: (one?.[key] ?? {}) as T, file });
    }
  }
  return entries;
}

/** @returns `path` as an absolute one: paths in a kubeconfig start at the folder of their file */
export function besideFile(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

async function readOne(file: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CortexError("FAILED", `cannot read the kubeconfig ${file}: ${code}`, { cause: error });
  }
  const value = await parseKubeconfig(text, file);
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value !== "object" || Array.isArray(value)) throw invalid(`${file} is no kubeconfig: it holds no fields`);
  return value as Record<string, unknown>;
}

/** The parser of YAML takes as long to load as a whole request, so what most files hold is read without it. */
async function parseKubeconfig(text: string, file: string): Promise<unknown> {
  if (text.trimStart().startsWith("{")) {
    try {
      return JSON.parse(text);
    } catch {
      // Flow YAML starts alike; its parser also tells the place of what is wrong.
    }
  }
  const read = parsePlainYaml(text);
  if (read) return read.value;
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    // The line itself is not shown: it may hold a secret.
    throw new CortexError(
      "SPEC_INVALID",
      `the kubeconfig is no YAML: ${problem.code.toLowerCase().replaceAll("_", " ")}`,
      {
        at: { file, line, column: col },
        hint: "repair the file; `kubectl config view` reads it too",
      },
    );
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw invalid(`${file} is no kubeconfig: ${(cause as Error).message}`);
  }
}

function invalid(message: string): CortexError {
  return new CortexError("SPEC_INVALID", message, { hint: "`kubectl config view` shows what kubectl reads" });
}
