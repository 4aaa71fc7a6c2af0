import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { projectRoot } from "../../../scripts/toolchain.mjs";
import { type Bench, createBench, type Ran } from "../../support/cortex.ts";

/** The built command: benchmarks measure what users run, never the sources. @throws when it was not built */
export function builtCommand(): string {
  const named = process.env.CORTEX_TEST_BINARY;
  if (named) return named;
  const built = join(projectRoot, "dist/cortex");
  if (!existsSync(built)) throw new Error("dist/cortex is not there: npm run build");
  return built;
}

/** A home of its own, with a free port, for the built command; all that was deployed in it ends with its scope. */
export async function cortexHome(): Promise<Bench> {
  builtCommand();
  const bench = await createBench();
  return {
    ...bench,
    async [Symbol.asyncDispose]() {
      await bench.cortex(["delete", "--all", "-f"], { timeoutMs: 30_000 });
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** What a command needs around it to use this home. */
export function homeVariables(bench: Bench): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !isOurs(name));
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    CORTEX_HOME: bench.home,
    CORTEX_LOCAL_PORT: String(bench.port),
  };
}

/** @throws with what the command said, when it failed */
export async function mustRun(bench: Bench, args: readonly string[]): Promise<Ran> {
  const ran = await bench.cortex(args, { timeoutMs: 600_000 });
  if (ran.status !== 0) {
    throw new Error(`cortex ${args.join(" ")} ended with status ${ran.status}:\n${ran.stderr}${ran.stdout}`);
  }
  return ran;
}

/** The process groups of an API's replicas, by their leaders. @throws when it has none, or not all are found */
export async function replicaPids(bench: Bench, api: string): Promise<readonly number[]> {
  const [shown] = (await mustRun(bench, ["get", api, "-o", "json"])).json<{ replicas: { id: string }[] }[]>();
  const commands = await commandLines();
  const pids = (shown?.replicas ?? []).map(({ id }) => {
    const found = commands.find(({ argv }) => argv.some((argument) => argument.endsWith(`/${id}.json`)));
    if (!found) throw new Error(`no process of replica ${id} of ${api} was found`);
    return found.pid;
  });
  if (pids.length === 0) throw new Error(`${api} has no replica`);
  return pids;
}

/** Waits until the agent of this home ended, as it does when nothing is deployed. */
export async function untilAgentEnded(bench: Bench, withinMs: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + withinMs;
  while ((await bench.agentPid()) !== undefined) {
    if (Date.now() > deadline) throw new Error(`the agent still runs ${withinMs / 1_000} s after all was deleted`);
    await wait(50, undefined, { signal });
  }
}

/** Of all processes, oldest first, so that a leader comes before what it started. */
async function commandLines(): Promise<{ pid: number; argv: string[] }[]> {
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger);
  const all = pids
    .toSorted((one, other) => one - other)
    .map(async (pid) => {
      const argv = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return { pid, argv: argv.split("\0") };
    });
  return Promise.all(all);
}

function isOurs(name: string): boolean {
  return /^(CORTEX_|NODE_|npm_|NO_COLOR$|FORCE_COLOR$)/.test(name);
}
