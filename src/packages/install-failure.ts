import { CortexError, type Location } from "../core/errors.ts";
import type { Requirements } from "./requirements.ts";

interface Cause {
  readonly message: string;
  readonly hint: string;
  /** Name of the package that it is about. */
  readonly name?: string;
  readonly code?: "PACKAGES_FAILED" | "DISK_FULL";
}

type Rule = (output: string, python: string) => Cause | undefined;

/** What pip and uv say, most telling first; the first that fits explains the failure. */
const rules: readonly Rule[] = [
  diskFull,
  offline,
  wrongPython,
  noSuchVersion,
  noSuchPackage,
  conflict,
  invalidLine,
  wrongHash,
  buildFailed,
];

/**
 * @param lines the last lines of pip or uv
 * @param python version of the interpreter, for the words
 * @returns PACKAGES_FAILED (or DISK_FULL) with the cause, the line of the requirements file where one is meant, and what pip said
 */
export function explainInstallFailure(
  lines: readonly string[],
  requirements: Requirements,
  python: string,
): CortexError {
  const output = lines.join("\n");
  const cause = rules.map((rule) => rule(output, python)).find((found) => found !== undefined);
  const details = lines
    .filter((line) => !/^\[notice\]/.test(line))
    .slice(-20)
    .join("\n");
  const at = cause?.name === undefined ? undefined : placeOf(cause.name, requirements);
  return new CortexError(
    cause?.code ?? "PACKAGES_FAILED",
    cause?.message ?? `${requirements.file} could not be installed`,
    {
      ...(at && { at }),
      hint: cause?.hint ?? "what the installer printed says why",
      ...(details && { details }),
    },
  );
}

function diskFull(output: string): Cause | undefined {
  if (!/No space left on device|os error 28/i.test(output)) return undefined;
  return {
    code: "DISK_FULL",
    message: "no space left on the disk while packages were installed",
    hint: "free some space, then run the same command again",
  };
}

function offline(output: string): Cause | undefined {
  const signs =
    /NewConnectionError|Failed to establish a new connection|Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo failed|ConnectTimeoutError|Network is unreachable|ProxyError|dns error|error sending request for url|client error \(Connect\)/;
  if (!signs.test(output)) return undefined;
  return {
    message: "packages could not be fetched: their index cannot be reached",
    hint: "check the network, or a proxy (HTTPS_PROXY) or another index (PIP_INDEX_URL, pip.conf), then deploy again",
  };
}

function wrongPython(output: string, python: string): Cause | undefined {
  const name = missing(output) ?? /depends on (?:Python\S* and )?([\w.-]+)/.exec(output)?.[1];
  if (name === undefined) return undefined;
  const wanted = /==\s*([\w.!+]+)/.exec(name)?.[1];
  // pip lists all versions for other Pythons, also where something else is at fault; then others are there to choose from.
  const needed =
    wanted && new RegExp(`[ ;]${wanted.replace(/[.+]/g, "\\$&")} Requires-Python ([^;\\n]+)`).exec(output)?.[1]?.trim();
  const signs = /Requires-Python|requires a different Python|does not satisfy Python|the current Python version/;
  if (!needed && (!signs.test(output) || available(output).length > 0)) return undefined;
  return {
    name: bareName(name),
    message: needed
      ? `${name} needs Python ${needed}, this is ${python}`
      : `${name} has no version for Python ${python}`,
    hint: "ask for another version of it, or name another Python with CORTEX_PYTHON",
  };
}

function noSuchVersion(output: string): Cause | undefined {
  const name = missing(output) ?? /there is no version of ([^\s,]+)/.exec(output)?.[1];
  const versions = available(output);
  if (name === undefined || (versions.length === 0 && !/there is no version of/.test(output))) return undefined;
  return {
    name: bareName(name),
    message: `there is no ${name}`,
    hint: versions.length > 0 ? `there are ${versions.slice(-5).join(", ")}` : "ask for another version of it",
  };
}

function noSuchPackage(output: string): Cause | undefined {
  const name =
    missing(output) ?? /(\S+) was not found in the (?:package registry|provided package locations)/.exec(output)?.[1];
  if (name === undefined) return undefined;
  return {
    name: bareName(name),
    message: `there is no package ${bareName(name)}`,
    hint: "check how it is spelled; for an index of your own set PIP_EXTRA_INDEX_URL, or --extra-index-url in the file",
  };
}

function conflict(output: string): Cause | undefined {
  if (!/ResolutionImpossible|have conflicting dependencies|your requirements are unsatisfiable/.test(output))
    return undefined;
  return { message: "the requirements contradict each other", hint: "loosen one of the versions that are named above" };
}

function invalidLine(output: string): Cause | undefined {
  const line = /Invalid requirement: (?:['"])(.+?)['"](?:[:\n( ]|$)/.exec(output)?.[1];
  const isUnreadable = line !== undefined || /Couldn't parse requirement|unrecognized arguments/.test(output);
  if (!isUnreadable) return undefined;
  return {
    ...(line && { name: line }),
    message: line ? `${line} is no requirement` : "a line of the requirements cannot be understood",
    hint: "write one package per line, such as numpy==2.1.0",
  };
}

function wrongHash(output: string): Cause | undefined {
  if (!/DO NOT MATCH THE HASHES|Hash mismatch|hashes are required/i.test(output)) return undefined;
  return {
    message: "a package is not what its hash says",
    hint: "make the hashes anew, and find out why they changed",
  };
}

function buildFailed(output: string): Cause | undefined {
  const name =
    /Failed building wheel for ([^\s,]+)/.exec(output)?.[1] ??
    /Failed to build [`']?([^\s`'=]+)/.exec(output)?.[1] ??
    /Failed to build installable wheels for some pyproject\.toml based projects \(([^),]+)/.exec(output)?.[1];
  if (name === undefined && !/subprocess-exited-with-error|metadata-generation-failed/.test(output)) return undefined;
  const what = name ?? "a package";
  return {
    ...(name && { name }),
    message: `${what} has no wheel for this machine, and building it failed`,
    hint: "ask for a version that has a wheel, or install what its build needs (a compiler, headers)",
  };
}

/** @returns the requirement that pip found nothing for */
function missing(output: string): string | undefined {
  return (
    /No matching distribution found for ([^\n]+?)(?: \(from|\n|$)/.exec(output)?.[1] ??
    /Could not find a version that satisfies the requirement ([^\n]+?) \(from/.exec(output)?.[1]
  );
}

function available(output: string): string[] {
  const listed = /\(from versions: ([^)]*)\)/.exec(output)?.[1];
  return listed === undefined || listed === "none" ? [] : listed.split(", ").filter(Boolean);
}

function bareName(requirement: string): string {
  return /^[\w.-]+/.exec(requirement)?.[0] ?? requirement;
}

/** @returns the line that asks for package `name`; undefined when another package does */
function placeOf(name: string, { lines }: Requirements): Location | undefined {
  const wanted = normalized(name);
  const found = lines.find(({ text }) => text.startsWith(name) || normalized(bareName(text)) === wanted);
  return found && { file: found.file, line: found.line, column: 1, text: found.text };
}

/** Packages are the same whether written with dots, dashes or underscores. */
function normalized(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}
