import { join } from "node:path";
import { expect } from "vitest";
import type { Ran } from "./run-command.ts";

/** Compares all that a command printed with test/golden/NAME.golden.txt. Run vitest with -u to accept what it prints now. */
export async function expectGolden(name: string, ran: Ran): Promise<void> {
  const sections = [
    ["stdout", ran.stdout],
    ["stderr", ran.stderr],
  ].filter(([, text]) => text !== "");
  const text = [...sections.map(([title, body]) => `--- ${title}\n${body}`), `--- exit status ${ran.status}\n`].join(
    "",
  );
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, "../../golden", `${name}.golden.txt`));
}
