import { chmod, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CortexError } from "../core/errors.ts";
import { userHome } from "../platform/home.ts";
import { findOnPath, type Python, type Variables } from "./find-python.ts";
import { type LockedWheel, type RuntimeFiles, unpackPip } from "./runtime-wheels.ts";

/** How packages get into a virtual environment: a program and what comes before its requirements. */
export interface Installer {
  readonly name: "uv" | "pip";
  readonly program: readonly [string, ...string[]];
}

export interface InstallerParts {
  readonly home: string;
  readonly python: Python;
  /** Interpreter of the virtual environment. */
  readonly venvPython: string;
  readonly runtime: RuntimeFiles;
  readonly wheels: readonly LockedWheel[];
  readonly variables: Variables;
}

/**
 * uv where there is one, unless the user has set something up for pip that uv would not read; else pip: the one that
 * comes with Cortex, the one that comes with Python, the one that is installed.
 * @throws PYTHON_UNUSABLE when there is none at all
 */
export async function chooseInstaller(parts: InstallerParts, signal: AbortSignal): Promise<Installer> {
  const { venvPython, variables, python } = parts;
  const uv = await findOnPath("uv", variables);
  const pip = uv && !(await hasPipSettings(variables)) ? undefined : await findPip(parts, signal);
  if (uv && !pip) {
    return { name: "uv", program: [uv, "pip", "install", "--python", venvPython, "--no-progress"] };
  }
  if (pip) {
    const options = ["install", "--disable-pip-version-check", "--no-input", "--no-warn-script-location"];
    return { name: "pip", program: [...pip, ...options, "--progress-bar", "off"] };
  }
  throw new CortexError("PYTHON_UNUSABLE", `${python.path} has no pip to install packages with`, {
    hint: "install uv (https://docs.astral.sh/uv) or your system's package for pip, e.g. python3-pip",
  });
}

/** @returns how to run pip for the virtual environment; undefined when there is none */
export async function findPip(parts: InstallerParts, signal: AbortSignal): Promise<[string, ...string[]] | undefined> {
  const { python, venvPython } = parts;
  const pip = await unpackPip(parts, signal);
  // Run by the interpreter that it is to install for.
  if (pip) return [venvPython, pip];
  return python.hasPip ? [python.executable, "-m", "pip", "--python", venvPython] : undefined;
}

/** Puts a `pip` beside the interpreter, for dependencies.sh. */
export async function addPipScript(venvPython: string, pip: readonly string[]): Promise<void> {
  const quoted = pip.map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(" ");
  for (const name of ["pip", "pip3"]) {
    const file = join(dirname(venvPython), name);
    await writeFile(file, `#!/bin/sh\nexec ${quoted} "$@"\n`);
    await chmod(file, 0o755);
  }
}

/** @returns variables for the installer: the project's, so that `.env` may name an index, without what leads it astray */
export function installerVariables(project: Readonly<Record<string, string>>): Record<string, string> {
  const misleading = /^PIP_(USER|TARGET|PREFIX|ROOT|REQUIRE_VIRTUALENV|PYTHON)$/;
  const kept = Object.entries(project).filter(([name]) => !misleading.test(name));
  return { ...Object.fromEntries(kept), PIP_USER: "0", NO_COLOR: "1", PYTHONUNBUFFERED: "1" };
}

const pipSetting =
  /^PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CONSTRAINT|CONFIG_FILE|CLIENT_CERT|TRUSTED_HOST)$/;
const uvSetting = /^UV_(INDEX|DEFAULT_INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CONFIG_FILE)$/;

/** @returns whether the user has set something up for pip that uv would not read */
export async function hasPipSettings(variables: Variables): Promise<boolean> {
  const names = Object.keys(variables).filter((name) => variables[name]);
  if (names.some((name) => uvSetting.test(name))) return false;
  if (names.some((name) => pipSetting.test(name))) return true;
  const home = userHome();
  const files = [
    "/etc/pip.conf",
    "/etc/xdg/pip/pip.conf",
    "/Library/Application Support/pip/pip.conf",
    join(variables.XDG_CONFIG_HOME || join(home, ".config"), "pip", "pip.conf"),
    join(home, ".pip", "pip.conf"),
    join(home, "Library", "Application Support", "pip", "pip.conf"),
    ...(variables.APPDATA ? [join(variables.APPDATA, "pip", "pip.ini")] : []),
  ];
  const contents = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")));
  return contents.some((text) => /^\s*(index-url|extra-index-url|find-links|no-index|constraint)\s*=/m.test(text));
}
