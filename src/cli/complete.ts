import type { App } from "./app.ts";
import { type CommandEntry, catalog } from "./catalog.ts";

/** Somebody waits with a finger on the key: what is not known by then is left out. */
const patienceMs = 1_000;

interface Candidate {
  readonly text: string;
  readonly means?: string;
}

const helpTopics = ["exit-codes", "variables"];
const commandsWithApi = [
  "get",
  "describe",
  "logs",
  "predict",
  "exec",
  "port-forward",
  "delete",
  "history",
  "rollback",
  "refresh",
];
const environmentFlags = ["-e", "--env"];

/**
 * Answers the hidden `cortex __complete WORD...`, the last word being the one that is typed: a candidate per line, after a tab what
 * it means. Never fails, and answers nothing where a file is meant.
 */
export async function completeWords(app: App, words: readonly string[]): Promise<string> {
  // PowerShell cannot pass an empty word, and sends two quotes for it.
  const current = (words.at(-1) ?? "").replace(/^""$/, "");
  const candidates = await candidatesFor(app, words.slice(0, -1), current).catch(() => []);
  return candidates
    .filter(({ text }) => text.startsWith(current))
    .map(({ text, means }) => (means === undefined ? `${text}\n` : `${text}\t${means}\n`))
    .join("");
}

async function candidatesFor(app: App, before: readonly string[], current: string): Promise<readonly Candidate[]> {
  const [name, ...rest] = before;
  if (name === undefined) return commandCandidates();
  if (name === "help") return [...commandCandidates(), ...helpTopics.map((text) => ({ text }))];
  const entry = catalog.find((one) => one.name === name);
  if (!entry) return [];
  const last = before.at(-1)!;
  if (environmentFlags.includes(last) || isEnvironmentArgument(name, rest)) return environmentCandidates(app);
  if (current.startsWith("-")) return flagCandidates(app, entry, rest);
  if (last.startsWith("-")) {
    const values = await valueCandidates(app, entry, rest, last);
    if (values) return values;
  }
  if ((name === "env" || name === "cluster") && rest.length === 0) return subcommandCandidates(app, entry);
  if (name === "completion") return ["bash", "zsh", "fish", "powershell"].map((text) => ({ text }));
  return takesApiHere(name, rest) ? apiCandidates(app, rest) : [];
}

function commandCandidates(): readonly Candidate[] {
  return catalog.map(({ name, summary }) => ({ text: name, means: summary }));
}

/** `delete` takes many names, the others one. */
function takesApiHere(name: string, rest: readonly string[]): boolean {
  const given = rest.filter((word) => !word.startsWith("-")).length;
  return commandsWithApi.includes(name) && (name === "delete" || given === 0);
}

function isEnvironmentArgument(name: string, rest: readonly string[]): boolean {
  return name === "env" && rest.length === 1 && ["default", "rename", "delete", "configure"].includes(rest[0]!);
}

async function apiCandidates(app: App, rest: readonly string[]): Promise<readonly Candidate[]> {
  const flag = rest.findIndex((word) => environmentFlags.includes(word));
  const environment = await app.environment(flag < 0 ? undefined : rest[flag + 1]);
  const states = await environment.list(AbortSignal.any([app.signal, AbortSignal.timeout(patienceMs)]));
  return states.filter(({ name }) => !rest.includes(name)).map(({ name, kind }) => ({ text: name, means: kind }));
}

async function environmentCandidates(app: App): Promise<readonly Candidate[]> {
  return (await app.settings.read()).environments.map(({ name, kind }) => ({ text: name, means: kind }));
}

async function flagCandidates(app: App, entry: CommandEntry, rest: readonly string[]): Promise<readonly Candidate[]> {
  const { options } = await commandFor(app, entry, rest);
  return [...options.filter((option) => !option.hidden), helpFlag].map(({ long, description }) => ({
    text: long!,
    means: description,
  }));
}

const helpFlag = { long: "--help", description: "display help for command" };

/** @returns what may follow `flag`, undefined when nothing has to */
async function valueCandidates(app: App, entry: CommandEntry, rest: readonly string[], flag: string) {
  const { options } = await commandFor(app, entry, rest);
  const option = options.find(({ long, short }) => long === flag || short === flag);
  if (!option?.required) return undefined;
  return (option.argChoices ?? []).map((text) => ({ text }));
}

async function subcommandCandidates(app: App, entry: CommandEntry): Promise<readonly Candidate[]> {
  const command = (await entry.load())(app);
  return command.commands.map((child) => ({ text: child.name(), means: child.description() }));
}

async function commandFor(app: App, entry: CommandEntry, rest: readonly string[]) {
  const command = (await entry.load(rest[0]))(app);
  return command.commands.find((child) => child.name() === rest[0]) ?? command;
}
