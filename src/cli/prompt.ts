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
