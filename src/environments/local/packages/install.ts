import { CortexError } from "../../../core/errors.ts";
import { findOnPath, type Python, type Variables } from "../../../packages/find-python.ts";
import { explainInstallFailure } from "../../../packages/install-failure.ts";
import {
  addPipScript,
  chooseInstaller,
  findPip,
  type Installer,
  installerVariables,
} from "../../../packages/installer.ts";
import { projectVariables } from "../../../packages/project-variables.ts";
import type { Requirements } from "../../../packages/requirements.ts";
import { runTool } from "../../../packages/run-tool.ts";
import type { LockedWheel, RuntimeFiles } from "../../../packages/runtime-wheels.ts";

export interface Installation {
  readonly home: string;
  readonly projectDir: string;
  readonly python: Python;
  /** Interpreter of the virtual environment. */
  readonly venvPython: string;
  readonly runtime: RuntimeFiles;
  readonly wheels: readonly LockedWheel[];
  /** The agent's own. */
  readonly variables: Variables;
  /** The handler's `env`. */
  readonly env: Readonly<Record<string, string>>;
  readonly dotEnv: Readonly<Record<string, string>>;
  readonly requirements: Requirements | undefined;
  /** Path of dependencies.sh, relative to the project. */
  readonly script: string | undefined;
  readonly onProgress: (line: string) => void;
}

/** Lines of pip and uv that say how far they are. */
const telling =
  /^\s*(Collecting|Downloading|Processing|Building|Built|Preparing|Installing collected|Successfully installed|Resolved|Prepared|Installed)\b/;
/** Most lines that one installation reports, and the longest. */
const mostLines = 500;
const longestLine = 200;

/**
 * Runs dependencies.sh, then installs the requirements.
 * @throws PACKAGES_FAILED, DISK_FULL, PYTHON_UNUSABLE (no pip), NOT_SUPPORTED (a script on Windows)
 */
export async function install(installation: Installation, signal: AbortSignal): Promise<void> {
  const { requirements, script, venvPython, projectDir } = installation;
  const variables = projectVariables({
    inherited: installation.variables,
    env: installation.env,
    dotEnv: installation.dotEnv,
    python: venvPython,
  });
  const report = bounded(installation.onProgress);
  const tool = { cwd: projectDir, variables, python: installation.python.executable };
  if (script) {
    const program = await scriptProgram(installation, script, signal);
    report(`running ${script}`);
    const { succeeded, lastLines } = await runTool({ ...tool, program, onLine: report }, signal);
    if (!succeeded) throw scriptFailed(script, lastLines);
  }
  if (requirements) {
    const installer = await chooseInstaller({ ...installation, variables }, signal);
    report(`installing ${requirements.file} with ${installer.name}`);
    const onLine = (line: string) => telling.test(line) && report(line.trim());
    const { succeeded, lastLines } = await runTool(
      { ...tool, program: programFor(installer, requirements), variables: installerVariables(variables), onLine },
      signal,
    );
    if (!succeeded) throw explainInstallFailure(lastLines, requirements, installation.python.version);
  }
}

function programFor({ program }: Installer, { file }: Requirements): [string, ...string[]] {
  return [...program, "-r", file];
}

async function scriptProgram(
  installation: Installation,
  script: string,
  signal: AbortSignal,
): Promise<[string, ...string[]]> {
  const { venvPython, variables } = installation;
  const bash = process.platform === "win32" ? undefined : await findOnPath("bash", variables);
  if (!bash) {
    throw new CortexError("NOT_SUPPORTED", `${script} needs bash, which is not here`, {
      hint: "say in requirements.txt what it installs, or deploy to a cluster with -e",
    });
  }
  const pip = await findPip(installation, signal);
  if (pip) await addPipScript(venvPython, pip);
  return [bash, script];
}

function scriptFailed(script: string, lastLines: readonly string[]): CortexError {
  const details = lastLines.slice(-20).join("\n");
  return new CortexError("PACKAGES_FAILED", `${script} failed`, {
    hint: `run it by hand, in the project's folder: bash ${script}`,
    ...(details && { details }),
  });
}

function bounded(onProgress: (line: string) => void): (line: string) => void {
  let left = mostLines;
  return (line) => {
    left -= 1;
    if (left >= 0) onProgress(line.slice(0, longestLine));
  };
}
