import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";

const runFile = promisify(execFile);

/** Where benchmarks keep what takes long to make: CORTEX_BENCH_CACHE, else a folder in the user's cache. */
export function benchCache(): string {
  const { CORTEX_BENCH_CACHE, XDG_CACHE_HOME } = process.env;
  return CORTEX_BENCH_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "cortex-bench");
}

/**
 * A virtual environment with what a requirements file names, made once and kept until that file changes.
 * @returns its folder
 * @throws with the installer's last words
 */
export async function virtualEnvironment(
  python: string,
  requirements: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const content = await readFile(requirements, "utf8");
  const version = (await runFile(python, ["--version"], { signal })).stdout;
  const key = createHash("sha256").update(version).update("\0").update(content).digest("hex").slice(0, 12);
  const name = basename(requirements, ".txt").replace(/^requirements-/, "");
  const folder = join(benchCache(), `${name}-${key}`);
  const isComplete = join(folder, ".complete");
  if (existsSync(isComplete)) return folder;

  say(`installing ${name} (once; this may take a minute)`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(benchCache(), { recursive: true });
  await runFile(python, ["-m", "venv", folder], { signal });
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements];
  await runFile(join(folder, "bin/python"), install, { signal, maxBuffer: 2 ** 26 }).catch((error) => {
    throw new Error(`${name} cannot be installed: ${lastLines(error.stderr ?? error.message)}`, { cause: error });
  });
  await writeFile(isComplete, "");
  return folder;
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" / ");
}
