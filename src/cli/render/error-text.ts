import { CortexError, type Location, type Problem } from "../../core/errors.ts";
import { codeFrame } from "./code-frame.ts";
import type { Palette } from "./paint.ts";

export interface ErrorTextOptions {
  readonly palette: Palette;
  readonly columns: number;
  /** Stacks too, of errors that are no bugs and of their causes. */
  readonly withStacks: boolean;
}

/** What a person reads of `error`: place, cause, line, what it printed, hint; every problem when there are several. */
export function errorText(error: unknown, options: ErrorTextOptions): string {
  if (!(error instanceof CortexError)) return bugText(error, options.palette);
  const { palette, withStacks } = options;
  const problems = error.problems.length > 0 ? error.problems : [asProblem(error)];
  const details = error.details ? detailsText(error.details, palette) : "";
  const blocks = problems.map((problem) =>
    problemText(problem, "error", options, problems.length === 1 ? details : ""),
  );
  if (problems.length > 1) {
    blocks.push(
      `${palette.error("error:")} ${error.message}\n`,
      details,
      error.hint ? hintText(error.hint, palette) : "",
    );
  }
  if (withStacks) blocks.push(`${palette.quiet(stackOf(error))}\n`);
  return blocks.join("");
}

function asProblem({ message, at, hint }: CortexError): Problem {
  return { message, ...(at && { at }), ...(hint !== undefined && { hint }) };
}

export function warningText(problem: Problem, options: ErrorTextOptions): string {
  return problemText(problem, "warning", options);
}

/** @param details what the failing thing itself printed, as whole lines; it comes before the hint */
function problemText(
  { message, at, hint }: Problem,
  label: "error" | "warning",
  options: ErrorTextOptions,
  details = "",
): string {
  const { palette, columns } = options;
  const lines = [
    `${palette[label](`${label}:`)} ${palette.strong(at ? `${placeText(at)}: ${message}` : message)}`,
    ...(at ? codeFrame(at, columns) : []),
  ];
  return `${lines.join("\n")}\n${details}${hint ? hintText(hint, palette) : ""}`;
}

export function placeText({ file, line, column }: Location): string {
  return `${file}:${line}:${column}`;
}

export function hintText(hint: string, palette: Palette): string {
  return `${palette.quiet("hint:")} ${hint}\n`;
}

function detailsText(details: string, palette: Palette): string {
  return details
    .trimEnd()
    .split("\n")
    .map((line) => `${palette.quiet("  |")} ${line}\n`)
    .join("");
}

function bugText(error: unknown, palette: Palette): string {
  return [
    `${palette.error("error:")} ${palette.strong("Cortex itself failed; this is a bug of Cortex, not of your project")}`,
    palette.quiet(stackOf(error)),
    "Please report it with the lines above and what `cortex doctor` and `cortex version` print.",
    "",
  ].join("\n");
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
}
