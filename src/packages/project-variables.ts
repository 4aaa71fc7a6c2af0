import { readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { parseEnv } from "node:util";

type Variables = Readonly<Record<string, string | undefined>>;

export interface VariableSources {
  /** The agent's own. */
  readonly inherited: Variables;
  /** The handler's `env`. */
  readonly env: Readonly<Record<string, string>>;
  /** Of the project's `.env`; wins over `env`, as it always did. */
  readonly dotEnv: Readonly<Record<string, string>>;
  /** Interpreter of the virtual environment. */
  readonly python: string;
}

/** Names that would change which Python, or whose packages, a process sees; a user's `env` may still set them. */
const foreign =
  /^(CORTEX_|NODE_CHANNEL_|npm_|PYTHON(HOME|PATH|STARTUP|INSPECT|EXECUTABLE|SAFEPATH)$|VIRTUAL_ENV|__PYVENV_LAUNCHER__$)/;

/** @returns the environment that a project's own code runs in: the user's, without what is Cortex's or another Python's */
export function projectVariables({ inherited, env, dotEnv, python }: VariableSources): Record<string, string> {
  const kept = Object.entries(inherited).filter(([name, value]) => value !== undefined && !foreign.test(name));
  const scripts = dirname(python);
  const pathName = kept.find(([name]) => name.toUpperCase() === "PATH")?.[0] ?? "PATH";
  const own: Record<string, string> = {
    ...(Object.fromEntries(kept) as Record<string, string>),
    VIRTUAL_ENV: dirname(scripts),
    ...env,
    ...dotEnv,
  };
  return { ...own, [pathName]: [scripts, own[pathName]].filter(Boolean).join(delimiter) };
}

/** @returns what the project's `.env` sets, nothing when there is none */
export async function readDotEnv(projectDir: string): Promise<Record<string, string>> {
  try {
    return parseEnv(await readFile(join(projectDir, ".env"), "utf8")) as Record<string, string>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
