import { createReadStream, readFileSync, statSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CortexError } from "../../core/errors.ts";
import { findOnPath, findPython, type Python, type Variables } from "../../packages/find-python.ts";
import { explainInstallFailure } from "../../packages/install-failure.ts";
import { hasPipSettings } from "../../packages/installer.ts";
import { projectVariables } from "../../packages/project-variables.ts";
import type { Requirements } from "../../packages/requirements.ts";
import { runTool } from "../../packages/run-tool.ts";
import { type RuntimeFiles, readWheelsLock, unpackPip } from "../../packages/runtime-wheels.ts";
import type { InstalledFile } from "./installed-files.ts";
import { noWheel } from "./refusals.ts";
import { describeTarget, machineOf, markerEnvironment, type Target, wheelPlatforms } from "./target.ts";
import { openWheels, wheelsIn } from "./wheels.ts";

export interface Fetching {
  readonly home: string;
  readonly projectDir: string;
  readonly runtime: RuntimeFiles;
  /** The process environment. */
  readonly variables: Variables;
  /** The handler's `env`, and what `.env` sets: they may name an index. */
  readonly env: Readonly<Record<string, string>>;
  readonly dotEnv: Readonly<Record<string, string>>;
  readonly target: Target;
}

/** What was fetched; its files are there until it is disposed of, in no form yet that all installers share. */
export interface Fetched extends AsyncDisposable {
  readonly files: readonly InstalledFile[];
}

type Program = readonly [string, ...string[]];

// pip takes the platform of wheels as an option, but evaluates markers for the machine that it runs on.
const pipForTarget = `
import json, sys
folder, environment = sys.argv[1], json.loads(sys.argv[2])
if folder:
    sys.path.insert(0, folder)
from pip._vendor.packaging import markers
markers.default_environment = lambda: dict(environment)
from pip._internal.cli.main import main
sys.exit(main(sys.argv[3:]))
`;

const misleading =
  /^(PIP|UV)_(USER|TARGET|PREFIX|ROOT|REQUIRE_VIRTUALENV|PYTHON|PLATFORM|PYTHON_VERSION|PYTHON_PLATFORM|ABI|IMPLEMENTATION|NO_DEPS|NO_BINARY|ONLY_BINARY|NO_BUILD|SYSTEM_PYTHON|REQUIREMENT|CONSTRAINTS?|DEST|COMPILE|COMPILE_BYTECODE)$|^VIRTUAL_ENV$/;
const quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"];

/**
 * Fetches the wheels that `requirements` ask for on `target`, with uv where there is one and nothing is set up for pip alone, else
 * with pip.
 * @param folder an empty one, for what is fetched
 * @throws PACKAGES_FAILED, DISK_FULL, PYTHON_UNUSABLE
 */
export async function fetchPackages(
  requirements: Requirements,
  folder: string,
  fetching: Fetching,
  signal: AbortSignal,
): Promise<Fetched> {
  const { variables } = fetching;
  const uv = await findOnPath("uv", variables);
  if (uv && !(await hasPipSettings({ ...variables, ...fetching.env, ...fetching.dotEnv }))) {
    return installWithUv(uv, requirements, folder, fetching, signal);
  }
  const { python, pip } = await pipFor(fetching, signal);
  const options = [...targetOptions(fetching.target), ...quiet, "--dest", folder, "-r", requirements.file];
  const tool = toolFor(fetching, python.executable, folder);
  const run = await runTool({ ...tool, program: [...pip, "download", ...options] }, signal);
  if (!run.succeeded) {
    const { lastLines } = run;
    throw await explain({ lines: lastLines, requirements, fetching, pip, python, folder }, signal);
  }
  return openWheels(await wheelsIn(folder));
}

/**
 * Fetches wheels of known hashes, none of what they need.
 * @returns whether that was possible
 */
export async function fetchLocked(
  lines: readonly string[],
  file: string,
  folder: string,
  fetching: Fetching,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { python, pip } = await pipFor(fetching, signal);
    const options = [...targetOptions(fetching.target), ...quiet, "--no-deps", "--require-hashes"];
    const program: Program = [...pip, "download", ...options, "--dest", folder, "-r", file];

    await writeFile(file, `${lines.join("\n")}\n`);
    return (await runTool({ ...toolFor(fetching, python.executable, folder), program }, signal)).succeeded;
  } catch (error) {
    if (error instanceof CortexError && error.code === "PYTHON_UNUSABLE") return false;
    throw error;
  }
}

async function pipFor(fetching: Fetching, signal: AbortSignal): Promise<{ python: Python; pip: Program }> {
  const { home, variables, runtime, target } = fetching;
  const python = await findPython(variables, signal, join(home, "packages", "interpreters.json"));
  const unpacked = await unpackPip({ home, runtime, wheels: await readWheelsLock(runtime), python }, signal);
  if (!unpacked && !python.hasPip) {
    throw new CortexError("PYTHON_UNUSABLE", `${python.path} has no pip to fetch packages with`, {
      hint: "install uv (https://docs.astral.sh/uv) or your system's package for pip, e.g. python3-pip",
    });
  }
  const folder = unpacked ? dirname(unpacked) : "";
  const environment = JSON.stringify(markerEnvironment(target));
  return { python, pip: [python.executable, "-I", "-c", pipForTarget, folder, environment] };
}

function targetOptions(target: Target): string[] {
  const { major, minor } = target;
  return [
    ...wheelPlatforms(target).flatMap((platform) => ["--platform", platform]),
    ...["--python-version", target.python, "--implementation", "cp", "--abi", `cp${major}${minor}`],
    "--only-binary=:all:",
  ];
}

function toolFor({ variables, env, dotEnv, projectDir }: Fetching, python: string | undefined, folder: string) {
  const project = projectVariables({ inherited: variables, env, dotEnv, python: python ?? "" });
  const kept = Object.entries(project).filter(([name]) => !misleading.test(name));
  return {
    cwd: projectDir,
    python,
    // What is fetched is moved into place, which is for nothing only on the same disk.
    variables: {
      ...Object.fromEntries(kept),
      TMPDIR: dirname(folder),
      PIP_NO_BINARY: ":none:",
      NO_COLOR: "1",
      PYTHONUNBUFFERED: "1",
    },
    onLine: () => {},
  };
}

interface Failure {
  readonly lines: readonly string[];
  readonly requirements: Requirements;
  readonly fetching: Fetching;
  readonly pip: Program;
  readonly python: Python;
  readonly folder: string;
}

/** pip says the same of a package that nobody has and of one that has no fitting wheel: the index knows which it is. */
async function explain(failure: Failure, signal: AbortSignal): Promise<CortexError> {
  const { lines, requirements, fetching, pip, python, folder } = failure;
  const output = lines.join("\n");
  const missing = /No matching distribution found for ([^\n]+?)(?: \(from|\n|$)/.exec(output)?.[1];
  const name = missing === undefined ? undefined : /^[\w.-]+/.exec(missing)?.[0];
  const details = lines.slice(-20).join("\n");
  const target = describeTarget(fetching.target);
  const wrongWheel = /(\S+\.whl) is not a supported wheel on this platform/.exec(output)?.[1];
  if (wrongWheel !== undefined) return noWheel(wrongWheel, target, requirements, details);
  if (name !== undefined && missing !== undefined && !/\(from versions: (?!none\))/.test(output)) {
    const options = ["index", "versions", name, ...quiet.slice(0, 2), ...indexOptions(requirements)];
    const known = await runTool(
      { ...toolFor(fetching, python.executable, folder), program: [...pip, ...options] },
      signal,
    );
    if (known.succeeded) return noWheel(missing, target, requirements, details);
  }
  return explainInstallFailure(lines, requirements, fetching.target.python);
}

function indexOptions({ lines }: Requirements): string[] {
  const option = /^(-i|--index-url|--extra-index-url|-f|--find-links|--no-index|--pre|--trusted-host)(?:[\s=]+(\S+))?$/;
  return lines.flatMap(({ text }) => {
    const [, name, value] = option.exec(text) ?? [];
    return name === undefined ? [] : value === undefined ? [name] : [name, value];
  });
}

async function installWithUv(
  uv: string,
  requirements: Requirements,
  folder: string,
  fetching: Fetching,
  signal: AbortSignal,
): Promise<Fetched> {
  const { target } = fetching;
  const program: Program = [
    uv,
    ...["pip", "install", "--target", folder, "--no-progress", "--only-binary", ":all:", "--no-compile-bytecode"],
    ...["--python-version", target.python, "--python-platform", uvPlatform(target), "-r", requirements.file],
  ];
  const python = await findPython(fetching.variables, signal).then(
    ({ executable }) => executable,
    () => undefined,
  );
  const { PIP_NO_BINARY: _, ...variables } = toolFor(fetching, python, folder).variables;
  const run = await runTool({ ...toolFor(fetching, python, folder), variables, program }, signal);
  if (!run.succeeded) throw explainUv(run.lastLines, requirements, target);
  return { files: await filesBelow(folder), [Symbol.asyncDispose]: async () => {} };
}

/** The newest that uv knows by name and the image can run. */
function uvPlatform(target: Target): string {
  const machine = machineOf(target);
  if (target.libc.startsWith("musl")) return `${machine}-unknown-linux-musl`;
  const minor = Number(target.libc.split(".")[1]);
  const known = [17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40].findLast((one) => one <= minor);
  return known === undefined ? `${machine}-manylinux2014` : `${machine}-manylinux_2_${known}`;
}

function explainUv(lines: readonly string[], requirements: Requirements, target: Target): CortexError {
  const output = lines.join(" ").replace(/\s+/g, " ");
  const name =
    /[Bb]ecause (\S+?)(?:==\S+)? has no (?:usable )?(?:wheels|wheel)/.exec(output)?.[1] ??
    /Wheels are (?:required|available) for [`']?([\w.-]+)/.exec(output)?.[1] ??
    /Building source distributions (?:for [`']?([\w.-]+)[`']? )?is disabled/.exec(output)?.[1];
  if (name !== undefined) return noWheel(name, describeTarget(target), requirements, lines.slice(-20).join("\n"));
  return explainInstallFailure(lines, requirements, target.python);
}

async function filesBelow(folder: string, below = ""): Promise<InstalledFile[]> {
  const files: InstalledFile[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await filesBelow(folder, path)));
    else files.push(installedFile(folder, path));
  }
  return files;
}

function installedFile(folder: string, path: string): InstalledFile {
  const { size, mode } = statSync(join(folder, path));
  return { path, bytes: size, executable: (mode & 0o111) !== 0, open: () => readInPieces(join(folder, path), size) };
}

/** Small files, of which there are thousands, are read in one call: that takes a fraction of the time. */
async function* readInPieces(file: string, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  if (bytes <= 1 << 20) yield readFileSync(file);
  else {
    yield* createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  }
}
