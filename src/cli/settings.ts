import { mkdir, readFile, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CortexError } from "../core/errors.ts";
import { asWriteError, makePrivateFolder, writeAtomically } from "../platform/files.ts";

/** A Kubernetes cluster as `env configure` names it. */
export interface KubernetesEnvironment {
  readonly name: string;
  readonly kind: "kubernetes";
  readonly context?: string;
  readonly namespace?: string;
  readonly registry?: string;
  readonly gateway?: string;
  readonly prometheus?: string;
  readonly base_image?: string;
}

/** A cluster of Cortex 0.42 or older, whose operator this CLI does not speak to. */
export interface OperatorEnvironment {
  readonly name: string;
  readonly kind: "operator";
  readonly operator_endpoint?: string;
}

export type EnvironmentSettings =
  | { readonly name: "local"; readonly kind: "local" }
  | KubernetesEnvironment
  | OperatorEnvironment;

export interface Settings {
  readonly default_environment: string;
  /** `local` is always the first. */
  readonly environments: readonly EnvironmentSettings[];
}

export interface SettingsStore {
  /** @throws SPEC_INVALID when the file cannot be understood */
  read(): Promise<Settings>;
  /** Reads, changes and writes without losing what another CLI writes at the same time. */
  update(change: (settings: Settings) => Settings, signal: AbortSignal): Promise<Settings>;
}

const noSettings: Settings = { default_environment: "local", environments: [{ name: "local", kind: "local" }] };

/** The settings in `home`: `cli.json`, or as long as there is none the `cli.yaml` of an older Cortex, which is left as it is. */
export function settingsIn(home: string): SettingsStore {
  const file = join(home, "cli.json");
  const read = async () => {
    const written = await readText(file);
    if (written !== undefined) return settingsFrom(parseJson(written, file), file);
    const olderFile = join(home, "cli.yaml");
    const older = await readText(olderFile);
    return older === undefined ? noSettings : settingsFrom(await parseYaml(older, olderFile), olderFile);
  };
  return {
    read,
    update: (change, signal) =>
      withLock(`${file}.lock`, signal, async () => {
        const changed = change(await read());
        await writeAtomically(file, `${JSON.stringify(changed, null, 2)}\n`);
        return changed;
      }),
  };
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CortexError("FAILED", `cannot read ${file}: ${code}`, { cause: error });
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(file, (error as Error).message);
  }
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  try {
    return (await import("yaml")).parse(text, { maxAliasCount: 10 });
  } catch (error) {
    throw unreadable(file, (error as Error).message.split("\n")[0]!);
  }
}

function settingsFrom(value: unknown, file: string): Settings {
  if (typeof value !== "object" || value === null) throw unreadable(file, "it holds no settings");
  const { default_environment: byDefault, environments = [] } = value as Record<string, unknown>;
  if (!Array.isArray(environments)) throw unreadable(file, "its environments are no list");
  const others = environments.filter((one) => typeof one?.name === "string" && one.name !== "local").map(asEnvironment);
  return {
    default_environment: typeof byDefault === "string" ? byDefault : "local",
    environments: [...noSettings.environments, ...others],
  };
}

function asEnvironment(value: Record<string, unknown>): EnvironmentSettings {
  if (value.kind === "kubernetes") return value as unknown as KubernetesEnvironment;
  const endpoint = value.operator_endpoint;
  return {
    name: String(value.name),
    kind: "operator",
    ...(typeof endpoint === "string" && { operator_endpoint: endpoint }),
  };
}

function unreadable(file: string, why: string): CortexError {
  return new CortexError("SPEC_INVALID", `cannot understand ${file}: ${why}`, {
    hint: "repair the file, or remove it: only the configured environments are lost",
  });
}

const lockRetryMs = 20;
/** A writer holds the lock for milliseconds; one that is older was left by a process that died. */
const lockExpiryMs = 5_000;

async function withLock<T>(lock: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  await makePrivateFolder(join(lock, ".."));
  while (!(await takeLock(lock))) await sleep(lockRetryMs, undefined, { signal });
  try {
    return await work();
  } finally {
    await rmdir(lock).catch(() => {});
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw asWriteError(error, lock);
    const held = await stat(lock).catch(() => undefined);
    if (held && Date.now() - held.mtimeMs > lockExpiryMs) await rmdir(lock).catch(() => {});
    return false;
  }
}
