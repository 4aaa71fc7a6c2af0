import { execFile } from "node:child_process";
import { promisify } from "node:util";

const script = `import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)`;

/** Runs a command to its end. @returns the most memory that it, or any process that it waited for, had at once, in KiB */
export async function peakMemoryKib(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const { stdout } = await promisify(execFile)("python3", ["-c", script, ...argv], { env: { ...env } });
  return Number(stdout);
}
