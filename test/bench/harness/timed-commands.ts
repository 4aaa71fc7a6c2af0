import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export interface TimedCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** With which it has to end; by default 0. */
  readonly status?: number;
}

export interface Timing {
  readonly wallMs: readonly number[];
  /** User and system time of the command and of its children that it waited for. */
  readonly cpuMs: readonly number[];
}

/**
 * Times commands from a small Python process, since Node does not tell what one child used. They run one at a time, in
 * rounds that each begin with the next command, and see no terminal.
 * @throws when a command fails
 */
export async function timeCommands<Name extends string>(
  commands: Readonly<Record<Name, TimedCommand>>,
  rounds: number,
  signal: AbortSignal,
): Promise<Record<Name, Timing>> {
  const names = Object.keys(commands) as Name[];
  const script = join(import.meta.dirname, "time_commands.py");
  const child = spawn("python3", [script], { stdio: ["pipe", "pipe", "inherit"], signal });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  child.stdin.end(JSON.stringify({ rounds, commands: names.map((name) => commands[name]) }));
  const [output, status] = await Promise.all([text(child.stdout), ended]);
  if (status !== 0) throw new Error(`${script} ended with status ${status}`);
  const runs = JSON.parse(output) as [wall: number, cpu: number, status: number][][];
  const timed = names.map((name, index): [Name, Timing] => {
    const failed = runs[index]!.find(([, , status]) => status !== (commands[name].status ?? 0));
    if (failed) throw new Error(`${commands[name].argv.join(" ")} ended with status ${failed[2]}`);
    const inMs = (column: 0 | 1) => runs[index]!.map((run) => run[column] * 1_000);
    return [name, { wallMs: inMs(0), cpuMs: inMs(1) }];
  });
  return Object.fromEntries(timed) as Record<Name, Timing>;
}
