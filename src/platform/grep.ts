import { createContext, Script } from "node:vm";
import { CortexError } from "../core/errors.ts";

/** How long one batch of lines may take: a pattern with nested repeats could else hold the process for hours. */
const batchMs = 500;

/**
 * @returns a filter that keeps the lines whose text matches `pattern`
 * @throws USAGE when it is no regular expression; the filter throws USAGE when it takes too long
 */
export function grepFilter(pattern: string): <T extends { readonly text: string }>(lines: T[]) => T[] {
  const context = createContext({ pattern: parsePattern(pattern), texts: [] as string[] });
  const script = new Script("texts.map((text) => pattern.test(text))");
  return (lines) => {
    if (lines.length === 0) return lines;
    context.texts = lines.map((line) => line.text);
    const matches = runBounded(() => script.runInContext(context, { timeout: batchMs }) as boolean[], pattern);
    return lines.filter((_, index) => matches[index]);
  };
}

function parsePattern(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new CortexError("USAGE", `--grep: ${(error as Error).message}`, {
      hint: "write it as a JavaScript regular expression; \\ before a character takes it as it is",
      cause: error,
    });
  }
}

function runBounded<T>(run: () => T, pattern: string): T {
  try {
    return run();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw new CortexError("USAGE", `--grep: ${pattern} takes too long on these lines`, {
      hint: "use a pattern without repeats inside repeats, such as (a+)+",
    });
  }
}
