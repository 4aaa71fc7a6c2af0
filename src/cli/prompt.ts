import { CortexError } from "../core/errors.ts";
import type { App } from "./app.ts";

/**
 * Asks a person on the terminal; only `y` and `yes` agree.
 * @param flag what answers the question on the command line, e.g. `-y`
 * @throws INPUT_NEEDED naming `flag` where nobody can be asked
 */
export async function confirm(app: App, question: string, flag: string): Promise<boolean> {
  const { stdin, stderr, canAsk } = app.terminal;
  if (!canAsk) {
    throw new CortexError("INPUT_NEEDED", `nobody can be asked here: ${question}`, {
      hint: `add ${flag} to agree beforehand`,
    });
  }
  for (;;) {
    await stderr.write(`${question} (y/n) `);
    const answer = (await stdin.readLine(app.signal))?.trim().toLowerCase();
    if (answer === "y" || answer === "yes") return true;
    if (answer === undefined || answer === "n" || answer === "no") return false;
  }
}

/**
 * Asks for one value; an empty answer takes `fallback`.
 * @param problemWith says what is wrong with an answer, which is then asked for again; undefined: it is taken
 * @throws INTERRUPTED at the end of the input
 */
export async function ask(
  { terminal: { stdin, stderr }, signal }: App,
  question: string,
  fallback: string,
  problemWith: (answer: string) => Promise<string | undefined>,
): Promise<string> {
  for (;;) {
    await stderr.write(`${question} (${fallback}): `);
    const line = await stdin.readLine(signal);
    if (line === undefined)
      throw new CortexError("INTERRUPTED", "nothing was changed: the questions were not answered");
    const answer = line.trim() || fallback;
    const problem = await problemWith(answer);
    if (problem === undefined) return answer;
    await stderr.write(`${problem}\n`);
  }
}
