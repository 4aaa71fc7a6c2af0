import { Command, Option } from "commander";
import type { LogLine, LogOptions } from "../core/environment.ts";
import { CortexError } from "../core/errors.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, outputOption, parseCount, parseSince, withExamples } from "./flags.ts";
import { type Palette, paletteFor } from "./render/paint.ts";
import { jsonLine } from "./render/show.ts";

export interface LogsFlags extends EnvFlag {
  readonly follow?: true;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly tail?: number;
  readonly grep?: string;
  readonly replica?: string;
  readonly previous?: true;
  readonly output: "pretty" | "json";
}

/** Lines of the past that come before those that are followed, when nobody says how many. */
const tailOfFollow = 100;

export function logsCommand(app: App, run: typeof runLogs = runLogs): Command {
  const command = new Command("logs")
    .description("Prints the log lines of all replicas of an API in the order of their time.")
    .argument("<api>", "name of an API")
    .addOption(envOption())
    .option("-f, --follow", "go on with new lines, also of new replicas, until Ctrl-C")
    .option("--since <time>", "only lines of the last 10m, or since a time as in RFC 3339", (text: string) =>
      parseSince(text, app.now()),
    )
    .option("-n, --tail <lines>", `only the last lines (default: all; with -f ${tailOfFollow})`, parseCount)
    .option("--grep <pattern>", "only lines that match a regular expression")
    .option("--replica <id>", "only lines of one replica")
    .option("--previous", "lines of replicas that are gone")
    .addOption(outputOption("pretty", "json"))
    // Of Cortex 0.42: one question, and one replica of several. Here nothing is asked, and all replicas are shown.
    .addOption(new Option("-y, --yes").hideHelp())
    .addOption(new Option("--random-pod").hideHelp())
    .action((api: string, flags: LogsFlags) => run(app, api, flags));
  return withExamples(command, [
    ["cortex logs iris -f", "follow all replicas"],
    ["cortex logs iris --since 10m --grep Error", "errors of the last ten minutes"],
    ["cortex logs iris --previous -n 50", "the last words of replicas that are gone"],
    ["cortex logs iris -f -o json", "one JSON object per line"],
  ]);
}

async function runLogs(app: App, name: string, flags: LogsFlags): Promise<void> {
  const { stdout, stderr } = app.terminal;
  const environment = await app.environment(flags.env);
  const print = flags.output === "json" ? jsonLogLine : await textPrinter(app);
  const stop = new AbortController();
  const signal = AbortSignal.any([app.signal, stop.signal]);
  let isEmpty = true;
  try {
    for await (const line of environment.logs(name, logOptions(flags), signal)) {
      isEmpty = false;
      await stdout.write(print(line));
      if (stdout.isClosed) break;
    }
    app.signal.throwIfAborted();
    if (isEmpty && flags.output === "pretty") await stderr.write(`${nothingOf(name, flags)}\n`);
  } finally {
    stop.abort();
  }
}

/** What is said where nothing is printed, lest it look like a failure. */
function nothingOf(name: string, { since, tail, grep, replica, previous }: LogsFlags): string {
  if (since !== undefined || tail === 0 || grep !== undefined || replica !== undefined) {
    return `${name}: no line is what was asked for`;
  }
  return previous ? `${name}: no replica that is gone has left a line` : `${name}: no replica has printed a line`;
}

function logOptions({ follow, since, tail, grep, replica, previous }: LogsFlags): LogOptions {
  if (grep !== undefined) checkPattern(grep);
  const lines = tail ?? (follow && since === undefined ? tailOfFollow : undefined);
  return {
    follow: follow === true,
    previous: previous === true,
    ...(since !== undefined && { sinceMs: since }),
    ...(lines !== undefined && { tail: lines }),
    ...(grep !== undefined && { grep }),
    ...(replica !== undefined && { replica }),
  };
}

function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern);
  } catch (error) {
    throw new CortexError("USAGE", `--grep: ${(error as Error).message}`, { hint: "write a regular expression" });
  }
}

function jsonLogLine({ time, ...rest }: LogLine): string {
  return jsonLine({ time: new Date(time).toISOString(), ...rest });
}

/** On a terminal the local time and a replica in its own colour; in a pipe the full time, tabs between. */
async function textPrinter(app: App): Promise<(line: LogLine) => string> {
  const { stdout } = app.terminal;
  if (!stdout.isTerminal) {
    return ({ time, replica, text }) => `${new Date(time).toISOString()}\t${replica}\t${text}\n`;
  }
  const palette = await paletteFor(stdout);
  const numbers = new Map<string, number>();
  return (line) => {
    if (!numbers.has(line.replica)) numbers.set(line.replica, numbers.size);
    return terminalLine(line, palette, numbers.get(line.replica)!);
  };
}

function terminalLine({ time, replica, stream, text }: LogLine, palette: Palette, number: number): string {
  const clock = new Date(time).toTimeString().slice(0, 8);
  const isOurs = stream === "system" || stream === "access";
  return `${palette.quiet(clock)} ${palette.mark(replica, number)} ${isOurs ? palette.quiet(text) : text}\n`;
}
