import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Variables } from "../../packages/find-python.ts";
import { userHome } from "../../platform/home.ts";

export interface Password {
  readonly username: string;
  readonly password: string;
}

/** What this machine knows of a registry. */
export interface Login {
  /** Undefined: none, one asks anonymously. */
  readonly password?: Password;
  /** Is exchanged for access, in place of a password. */
  readonly identityToken?: string;
  /** Where it comes from, for messages, e.g. "~/.docker/config.json". */
  readonly source: string;
  /** Why there is none although something names one. */
  readonly problem?: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

const hubKeys = ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"];
const helperTimeoutMs = 60_000;

/** Finds the login of `registry` as `docker login` keeps it: in a helper program, or in the file itself. */
export async function findLogin(registry: string, variables: Variables, signal: AbortSignal): Promise<Login> {
  const file = configFile(variables);
  const source = shownPath(file, variables);
  let config: DockerConfig;
  try {
    const text = await readFile(file, "utf8").catch(unlessAbsent);
    if (text === undefined) return { source };
    config = JSON.parse(text) as DockerConfig;
  } catch (error) {
    return { source, problem: `${source} cannot be read: ${plain(error)}` };
  }
  const keys = registry === "docker.io" ? hubKeys : [registry];
  const helper = keys.map((key) => config.credHelpers?.[key]).find(Boolean) ?? config.credsStore;
  const stored = helper ? await askHelper(helper, keys[0]!, variables, signal) : undefined;
  if (stored && (stored.password || stored.identityToken)) return stored;
  const entry = findEntry(config.auths ?? {}, keys);
  return { source, ...(entry && loginOf(entry)), ...(stored?.problem && { problem: stored.problem }) };
}

function configFile(variables: Variables): string {
  const folder = variables.DOCKER_CONFIG || join(userHome(variables), ".docker");
  return join(folder, "config.json");
}

function shownPath(file: string, variables: Variables): string {
  return variables.DOCKER_CONFIG ? file : "~/.docker/config.json";
}

/** Keys are hosts, with or without a scheme and a path. */
function findEntry(auths: Readonly<Record<string, AuthEntry>>, keys: readonly string[]): AuthEntry | undefined {
  const exact = keys.map((key) => auths[key]).find(Boolean);
  const host = (key: string) => key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  return exact ?? Object.entries(auths).find(([key]) => keys.includes(host(key)))?.[1];
}

function loginOf({ auth, username, password, identitytoken }: AuthEntry): Partial<Login> {
  if (identitytoken) return { identityToken: identitytoken };
  if (username && password) return { password: { username, password } };
  const [name, ...rest] = Buffer.from(auth ?? "", "base64")
    .toString("utf8")
    .replace(/\0+$/, "")
    .split(":");
  return name && rest.length > 0 ? { password: { username: name, password: rest.join(":") } } : {};
}

/** Asks a program that keeps passwords. What it prints is never shown: it may hold some. */
async function askHelper(name: string, server: string, variables: Variables, signal: AbortSignal): Promise<Login> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name))
    return { source: program, problem: "the credential helper's name is not one of a program" };
  const answer = await new Promise<{ error: (Error & { code?: unknown }) | null; stdout: string }>((resolve) => {
    const child = execFile(
      program,
      ["get"],
      { env: { ...variables }, signal, timeout: helperTimeoutMs, windowsHide: true, maxBuffer: 1 << 20 },
      (error, stdout) => resolve({ error, stdout }),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(server);
  });
  signal.throwIfAborted();
  if (answer.error?.code === "ENOENT") {
    return { source: program, problem: `${program}, which Docker's settings name, is not on the PATH` };
  }
  if (answer.error) {
    const isUnknown = /credentials not found|no credentials/i.test(answer.stdout);
    return { source: program, ...(!isUnknown && { problem: `${program} failed` }) };
  }
  try {
    const { Username, Secret } = JSON.parse(answer.stdout) as { Username: string; Secret: string };
    if (!Secret) return { source: program };
    if (Username === "<token>") return { source: program, identityToken: Secret };
    return { source: program, password: { username: Username, password: Secret } };
  } catch {
    return { source: program, problem: `${program} printed what is no login` };
  }
}

function unlessAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT" && error.code !== "ENOTDIR") throw error;
}

/** What is wrong with the file, without a piece of it. */
function plain(error: unknown): string {
  return error instanceof SyntaxError ? "it is not JSON" : ((error as NodeJS.ErrnoException).code ?? "it is damaged");
}
