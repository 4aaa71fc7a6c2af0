import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CortexError } from "../core/errors.ts";
import type { EksAccess } from "../core/kubeconfig.ts";

/** A Kubernetes cluster as `env configure` names it. */
export interface KubernetesEnvironment {
  readonly name: string;
  readonly kind: "kubernetes";
  /** Absolute path; absent: the files that `KUBECONFIG` lists, else `~/.kube/config`. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly registry?: string;
  readonly gateway?: string;
  readonly prometheus?: string;
  readonly base_image?: string;
  /** A cluster on AWS that Cortex made: then no kubeconfig is needed. */
  readonly eks?: EksSettings;
}

export type EksSettings = EksAccess;

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
    const written = readText(file);
    if (written !== undefined) return settingsFrom(parseJson(written, file), file);
    const olderFile = join(home, "cli.yaml");
    const older = readText(olderFile);
    return older === undefined ? noSettings : settingsFrom(await parseYaml(older, olderFile), olderFile);
  };
  return {
    read,
    async update(change, signal) {
      const { rewrite } = await import("./settings-write.ts");
      return rewrite(file, async () => change(await read()), signal);
    },
  };
}

/** Synchronous: every command reads this one small file first, and waiting for it would take longer. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CortexError("FAILED", `cannot read ${file}: ${code}`, {
      ...(code === "EACCES" && { hint: "it may belong to another user; set CORTEX_HOME to a folder of your own" }),
      cause: error,
    });
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
