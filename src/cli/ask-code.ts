import { CortexError } from "../core/errors.ts";
import type { Terminal } from "./render/terminal.ts";

/**
 * @returns what asks for the code of a second factor of AWS, `serial` naming the device
 * @throws NOT_AUTHORISED where nobody can be asked
 */
export function codeAsker(terminal: () => Terminal, signal: AbortSignal): (serial: string) => Promise<string> {
  return async (serial) => {
    const { canAsk, stdin, stderr } = terminal();
    if (!canAsk) {
      throw new CortexError("NOT_AUTHORISED", `AWS asks for a code of ${serial}, and nobody can be asked here`, {
        hint: "run this on a terminal, or set credentials of a session that has begun",
      });
    }
    await stderr.write(`code of ${serial}: `);
    const code = (await stdin.readLine(signal))?.trim();
    if (code) return code;
    throw new CortexError("INTERRUPTED", "no code was given");
  };
}
