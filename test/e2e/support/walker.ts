import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import { type Bench, createBench, type Ran, type RunOptions } from "../../support/cortex.ts";
import type { Program } from "./program.ts";

/** Runs commands of a program in a home of its own, and notes which ones. */
export interface Walker extends AsyncDisposable {
  readonly program: Program;
  readonly bench: Bench;
  /** Runs a command that must end with `status`, by default 0. @returns what it left behind */
  run(args: readonly string[], status?: number, options?: RunOptions): Promise<Ran>;
  /** Runs it in a terminal of its own, where `answer` is typed once `expected` is shown. @returns all that was shown */
  inTerminal(args: readonly string[], typed: Typed, status?: number, options?: RunOptions): Promise<string>;
  /** Notes a command that is run by other means. */
  note(args: readonly string[]): void;
}

interface Typed {
  /** "" where nothing is typed. */
  readonly expected: string;
  /** With \x03 for Ctrl-C. */
  readonly answer: string;
}

const driver = resolve(import.meta.dirname, "../../cli/support/in-terminal.py");
const groups = ["env", "cluster"];
const longestMs = 300_000;

/** @param walked gets the commands that were run, each by its whole name: `env list` */
export async function startWalk(
  program: Program,
  walked: Set<string>,
  env: Readonly<Record<string, string>> = {},
): Promise<Walker> {
  const commandLine = [...(program.before ?? []), program.file];
  const variables = { ...program.env, ...env };
  const bench = await createBench(variables, commandLine);
  const note = (args: readonly string[]) => void walked.add(commandOf(args));
  return {
    program,
    bench,
    note,
    async run(args, status = 0, options = {}) {
      const ran = await bench.cortex(args, { timeoutMs: longestMs, ...options });
      expect(ran.status, saying(args, ran.stdout + ran.stderr)).toBe(status);
      note(args);
      return ran;
    },
    async inTerminal(args, { expected, answer }, status = 0, options = {}) {
      const command = [driver, expected, answer, ...commandLine, ...args];
      const child = spawn("python3", command, {
        cwd: options.cwd,
        env: { ...terminalVariables(bench), ...variables, ...options.env },
        stdio: ["ignore", "pipe", "inherit"],
        timeout: longestMs,
      });
      const [shown, [ended]] = await Promise.all([text(child.stdout), once(child, "exit")]);
      expect(ended, saying(args, shown)).toBe(status);
      note(args);
      return shown;
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

function commandOf([first = "", second = ""]: readonly string[]): string {
  return groups.includes(first) ? `${first} ${second}` : first;
}

function saying(args: readonly string[], output: string): string {
  return `$ cortex ${args.join(" ")}\n${output}`;
}

function terminalVariables(bench: Bench): Record<string, string> {
  const { PATH = "", HOME = "" } = process.env;
  const own = { CORTEX_HOME: bench.home, CORTEX_LOCAL_PORT: String(bench.port), CORTEX_NO_UPDATE_NOTICE: "1" };
  return { PATH, HOME, TERM: "xterm", ...own };
}
