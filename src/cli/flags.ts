import { type Command, InvalidArgumentError, Option } from "commander";
import type { OutputFormat } from "./render/show.ts";

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export interface EnvFlag {
  readonly env?: string;
}

/** @returns ` -e NAME` where it was given: what is told to run next is then run in the same place */
export function envText({ env }: EnvFlag): string {
  return env === undefined ? "" : ` -e ${env}`;
}

export function envOption(): Option {
  return new Option("-e, --env <name>", "environment to use (default: $CORTEX_ENV, else the configured one)");
}

export function outputOption<F extends OutputFormat>(...formats: readonly F[]): Option {
  return new Option("-o, --output <format>", "output format").choices(formats).default("pretty");
}

/** @param text such as `90s`, `15m`, `1h30m` or `500ms` @returns milliseconds */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) {
    throw new InvalidArgumentError("Write a number and a unit, e.g. 90s, 15m or 1h30m.");
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * unitsMs[unit!]!, 0);
}

/** @param text a duration back from `now`, or a time as in RFC 3339 @returns milliseconds since the epoch */
export function parseSince(text: string, now: number): number {
  if (/^\d{4}-\d{2}-\d{2}([T ]|$)/.test(text)) {
    const time = Date.parse(text);
    if (Number.isNaN(time)) throw new InvalidArgumentError("This is no time as in RFC 3339.");
    return time;
  }
  try {
    return now - parseDuration(text);
  } catch {
    throw new InvalidArgumentError("Write how long back, e.g. 10m, or a time, e.g. 2026-11-23T14:00:00Z.");
  }
}

export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("Write a whole number, 0 or above.");
  return Number(text);
}

/** Puts examples before all else that `--help` of `command` prints. Each is a command line and what it does. */
export function withExamples(command: Command, examples: readonly (readonly [line: string, does: string])[]): Command {
  return command.addHelpText("before", examplesText(examples));
}

export function examplesText(examples: readonly (readonly [line: string, does: string])[]): string {
  const width = Math.max(...examples.map(([line]) => line.length));
  return ["Examples:", ...examples.map(([line, does]) => `  ${line.padEnd(width)}  # ${does}`), ""].join("\n");
}
