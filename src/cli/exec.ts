import { Command } from "commander";
import type { ExecStreams } from "../core/environment.ts";
import { CortexError } from "../core/errors.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, withExamples } from "./flags.ts";

export interface ExecFlags extends EnvFlag {
  readonly replica?: string;
  readonly container?: string;
  readonly stdin?: true;
  /** Undefined: where both ends are terminals. */
  readonly tty?: boolean;
}

/** Bash where there is one, else the shell that nearly every image has. */
const shell = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"];

export function execCommand(app: App, run: typeof runExec = runExec): Command {
  const command = new Command("exec")
    .description("Runs a command in a replica of an API, without one a shell, and exits with its exit status.")
    .argument("<api>", "name of an API")
    .argument("[command...]", "what to run, behind --")
    .addOption(envOption())
    .option("--replica <id>", "which replica, by its name or the end of it (default: one that is ready)")
    .option("-c, --container <name>", "which container (default: the handler's, or the first)")
    .option("-i, --stdin", "pass standard input on (default: for a shell, and on a terminal)")
    .option("-t, --tty", "give it a terminal (default: when standard input and output are one)")
    .option("--no-tty", "give it none")
    .action((api: string, words: string[], flags: ExecFlags) => run(app, api, words, flags));
  return withExamples(command, [
    ["cortex exec iris", "a shell in a replica"],
    ["cortex exec iris -- pip list", "run a command"],
    ["cat data.csv | cortex exec -i iris -- wc -l", "pass standard input on"],
    ["cortex exec iris --replica x7k2p -c model -- env", "in a certain replica and container"],
  ]);
}

async function runExec(app: App, name: string, words: readonly string[], flags: ExecFlags): Promise<void> {
  const { stdin, stdout } = app.terminal;
  const areTerminals = stdin.isTerminal && stdout.isTerminal;
  if (flags.tty === true && !stdin.isTerminal) {
    throw new CortexError("USAGE", "-t was given, and standard input is no terminal", { hint: "leave -t out" });
  }
  const environment = await app.environment(flags.env);
  if (!environment.exec) {
    throw new CortexError("NOT_SUPPORTED", `${environment.name}: replicas of this environment take no commands`, {
      hint: "they are processes of this machine; use -e with an environment on a cluster",
    });
  }
  const isTerminal = flags.tty ?? areTerminals;
  const withInput = flags.stdin === true || isTerminal || words.length === 0;
  const options = {
    command: words.length > 0 ? words : shell,
    isTerminal,
    ...(flags.replica !== undefined && { replica: flags.replica }),
    ...(flags.container !== undefined && { container: flags.container }),
  };
  const ended = new AbortController();
  const streams: ExecStreams = {
    stdin: withInput ? stdin.read() : undefined,
    stdout: (chunk) => stdout.write(chunk),
    stderr: (chunk) => app.terminal.stderr.write(chunk),
    ...(isTerminal && { sizes: stdout.sizes(ended.signal) }),
  };
  using _keys = isTerminal ? stdin.takeKeys() : { [Symbol.dispose]: () => {} };
  try {
    app.exitStatus = await environment.exec(name, options, streams, app.signal);
  } finally {
    ended.abort();
  }
}
