import type { Command, Help } from "commander";
import type { App } from "../../src/cli/app.ts";
import { catalog } from "../../src/cli/catalog.ts";
import { helpTopics } from "../../src/cli/help-topics.ts";
import { programOf } from "../../src/cli/program.ts";

export interface ManOptions {
  readonly version: string;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** @returns the pages of section 1 by file name: one for the program, one for each command and each of its own */
export async function manPages(options: ManOptions): Promise<ReadonlyMap<string, string>> {
  const program = await programOf({} as App, catalog, () => {});
  const pages = new Map([["cortex.1", programPage(program, options)]]);
  const add = (command: Command, before: string) => {
    const name = `${before}-${command.name()}`;
    pages.set(`${name}.1`, commandPage(name, command, options));
    for (const child of command.commands) add(child, name);
  };
  for (const command of program.commands) add(command, "cortex");
  return pages;
}

function programPage(program: Command, options: ManOptions): string {
  const help = program.createHelp();
  return page("cortex", program.description(), options, [
    ...section("SYNOPSIS", [`.B cortex\n${text("[options] [command]")}`]),
    ...section("DESCRIPTION", [
      text(program.description()),
      ".PP",
      text("`cortex COMMAND --help` and cortex-COMMAND(1) describe a command."),
    ]),
    ...optionsSection(program, help),
    ...section(
      "COMMANDS",
      catalog.map(({ name, usage, summary }) => item(`${name} ${usage}`.trim(), summary)),
    ),
    ...section("ENVIRONMENT", rows(helpTopics.variables!)),
    ...section("EXIT STATUS", rows(helpTopics["exit-codes"]!)),
    ...section("SEE ALSO", [text(catalog.map(({ name }) => `cortex-${name}(1)`).join(", "))]),
  ]);
}

function commandPage(name: string, command: Command, options: ManOptions): string {
  const help = command.createHelp();
  const called = command.parent?.parent
    ? `cortex ${command.parent.name()} ${command.name()}`
    : `cortex ${command.name()}`;
  const args = help.visibleArguments(command);
  const summary = command.summary() || command.description();
  return page(name, summary, options, [
    ...section("SYNOPSIS", [`.B ${escaped(called)}\n${text(command.usage())}`]),
    ...section("DESCRIPTION", [text(command.description())]),
    ...section(
      "ARGUMENTS",
      args.map((one) => item(help.argumentTerm(one), help.argumentDescription(one))),
    ),
    ...optionsSection(command, help),
    ...section(
      "COMMANDS",
      command.commands.map((one) => item(`${one.name()} ${one.usage()}`, one.summary() || one.description())),
    ),
    ...section("EXAMPLES", examplesOf(command)),
    ...section("SEE ALSO", [text(seeAlso(name, command))]),
  ]);
}

function seeAlso(name: string, command: Command): string {
  const parent = name.slice(0, name.length - command.name().length - 1);
  return [parent, ...command.commands.map((one) => `${name}-${one.name()}`)].map((one) => `${one}(1)`).join(", ");
}

function page(name: string, summary: string, { version, time }: ManOptions, body: readonly string[]): string {
  const date = new Date(time * 1000).toISOString().slice(0, 10);
  return [
    `.TH ${escaped(name.toUpperCase())} 1 ${date} "cortex ${version}" "Cortex Manual"`,
    ".SH NAME",
    `${escaped(name)} \\- ${text(firstSentence(summary))}`,
    ...body,
    "",
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${title}`, ...lines];
}

function optionsSection(command: Command, help: Help): string[] {
  const options = help.visibleOptions(command);
  return section(
    "OPTIONS",
    options.map((one) => item(help.optionTerm(one), help.optionDescription(one))),
  );
}

/** What `withExamples` put before the rest of the help. */
function examplesOf(command: Command): string[] {
  let printed = "";
  command.configureOutput({ writeOut: (part) => (printed += part), getOutHelpWidth: () => 1_000 });
  command.outputHelp();
  const lines = /^Examples:\n((?: {2}.*\n)+)/.exec(printed)?.[1]?.trimEnd().split("\n") ?? [];
  return lines.map((line) => {
    const [, example, does] = /^ {2}(.*?) {2,}# (.*)$/.exec(`${line.replace(/(\S) # /, "$1  # ")}`) ?? [];
    return item(example ?? line.trim(), does ?? "");
  });
}

/** The rows of a help topic: a term, two spaces or more, and what it means. */
function rows(topic: string): string[] {
  const found = topic.split("\n").map((line) => /^ {2}(\S+) {2,}(.+)$/.exec(line));
  return found.filter((row) => row !== null).map(([, term, means]) => item(term!, means!));
}

function item(term: string, means: string): string {
  return `.TP\n.B ${escaped(term)}\n${text(means)}`;
}

/** Without the full stop: a page's name line is read in lists. */
function firstSentence(summary: string): string {
  return summary.split(/(?<=\.)\s/)[0]!.replace(/\.$/, "");
}

/** Text that roff does not read as a request. */
function text(raw: string): string {
  return escaped(raw).replace(/^([.'])/, "\\&$1");
}

function escaped(raw: string): string {
  return raw.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("\u2026", "...");
}
