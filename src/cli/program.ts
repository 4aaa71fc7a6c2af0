import { Command, CommanderError, Option } from "commander";
import { CortexError } from "../core/errors.ts";
import { cortexVersion } from "../platform/installation.ts";
import { nearest } from "../spec/nearest.ts";
import type { App } from "./app.ts";
import { type CommandEntry, catalog, notBuiltYet, retired } from "./catalog.ts";

import { helpSummary, programSummary, rootExamples, versionSummary } from "./root-help.ts";

/** Runs the command that `app.args` name, its code alone loaded. @throws CortexError USAGE, NOT_SUPPORTED, and what the command throws */
export async function runCommand(app: App): Promise<void> {
  const args = app.args[0] === "help" ? [...app.args.slice(1), "--help"] : app.args;
  const printed: string[] = [];
  const program = await programOf(app, [entryOf(args)], (text) => printed.push(text), args[1]);
  try {
    await program.parseAsync(args[0] === "deploy" ? args.map(withOwnValue) : args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw unknownCommand(program, args) ?? usageError(error, commandIn(program, args));
    await app.terminal.stdout.write(printed.join(""));
  }
}

/** The command that `args` name, with its group: `env configure`. */
function commandIn(program: Command, [first = "", second]: readonly string[]): string {
  const children = program.commands.find((one) => one.name() === first)?.commands ?? [];
  return second !== undefined && children.some((one) => one.name() === second) ? `${first} ${second}` : first;
}

/** @returns what to say of a group's command that there is none of; undefined when that is not what is wrong */
function unknownCommand(program: Command, [first = "", second]: readonly string[]): CortexError | undefined {
  const names = program.commands.find((one) => one.name() === first)?.commands.map((one) => one.name()) ?? [];
  if (names.length === 0 || second === undefined || second.startsWith("-") || names.includes(second)) return undefined;
  const near = nearest(second, names);
  return new CortexError("USAGE", `there is no command "${first} ${second}"`, {
    hint: near ? `did you mean \`cortex ${first} ${near}\`?` : `\`cortex ${first} --help\` lists its commands`,
  });
}

/** A flag whose value may be left out takes none from what follows it: `deploy --dry-run examples/iris` names a file. */
function withOwnValue(arg: string): string {
  return arg === "--dry-run" ? "--dry-run=client" : arg;
}

/** The program with `entries` as its commands; of a group, `member` alone where it has that. */
export async function programOf(
  app: App,
  entries: readonly CommandEntry[],
  print: (text: string) => void,
  member?: string,
): Promise<Command> {
  const program = withOutput(new Command("cortex"), print)
    .description(programSummary)
    .enablePositionalOptions()
    .addHelpText("before", rootExamples.trimEnd().concat("\n"))
    .addOption(new Option("-v, --version", versionSummary))
    .addHelpCommand(new Command("help [topic]").description(helpSummary).helpGroup(catalog.at(-1)!.group));
  const commands = await Promise.all(entries.map(async (entry) => ({ entry, make: await entry.load(member) })));
  for (const { entry, make } of commands) {
    const command = make(app).summary(entry.summary).helpGroup(entry.group);
    withOutput(command, print);
    for (const child of command.commands) withOutput(child, print);
    program.addCommand(command);
  }
  return program.on("option:version", () => {
    print(`cortex ${cortexVersion()}\n`);
  });
}

function withOutput(command: Command, print: (text: string) => void): Command {
  return command.exitOverride().configureOutput({
    writeOut: print,
    writeErr: () => {},
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  });
}

function entryOf(args: readonly string[]): CommandEntry {
  const name = args[0]!;
  const entry = catalog.find((one) => one.name === name);
  if (entry) return entry;
  if (notBuiltYet.includes(name)) {
    throw new CortexError("NOT_SUPPORTED", `\`cortex ${name}\` is not built yet`, {
      hint: "`cortex --help` lists the commands that are there",
    });
  }
  if (name.startsWith("-")) {
    throw new CortexError("USAGE", `there is no option ${name} before the command`, {
      hint: "write the command first, e.g. `cortex get -e local`",
    });
  }
  const instead = retired[name];
  if (instead) throw new CortexError("USAGE", `\`cortex ${name}\` is a command of older versions`, { hint: instead });
  const near = nearest(name, [...catalog.map((one) => one.name), ...notBuiltYet, "help"]);
  throw new CortexError("USAGE", `there is no command "${name}"`, {
    hint: near ? `did you mean \`cortex ${near}\`?` : "`cortex --help` lists the commands",
  });
}

/** What commander found wrong with a command line, in our words and with the nearest flag as the hint. */
function usageError(error: CommanderError, command: string): CortexError {
  const [first = "", ...rest] = error.message.replace(/^error: /, "").split("\n");
  const near = /Did you mean (?:one of )?(.+)\?/.exec(rest.join(" "))?.[1];
  return new CortexError("USAGE", first, {
    hint: near ? `did you mean ${near}?` : `see \`cortex ${command} --help\``,
    cause: error,
  });
}
