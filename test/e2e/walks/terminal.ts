import { expect } from "vitest";
import { speaking, spec } from "../../conformance/handlers.ts";
import type { Walker } from "../support/walker.ts";

const nothing = { expected: "", answer: "" };
const interrupted = 130;
/** Where a prompt ends. */
const question = "(y/n) ";

/** What is different on a terminal: progress, colours, questions, Ctrl-C. */
export async function walkInTerminal({ run, inTerminal, bench }: Walker): Promise<void> {
  const cwd = await bench.project({
    "cortex.yaml": spec("seen"),
    "handler.py": `print("it begins")\n${speaking("hello")}`,
    "slow/cortex.yaml": spec("slow"),
    "slow/handler.py": "import time\nprint('here it stands', flush=True)\ntime.sleep(600)\n",
  });
  const deployed = await inTerminal(["deploy"], nothing, 0, { cwd });
  expectCursorBack(deployed);
  const stopped = await inTerminal(["deploy", "slow"], { expected: "loading", answer: "\\x03" }, interrupted, { cwd });
  expect(stopped).toContain("interrupted; ");
  expectCursorBack(stopped);
  await run(["delete", "slow", "-f"]);

  expect(await inTerminal(["get", "nobody"], nothing, 4)).toContain("\u001b[31m");
  expect(await inTerminal(["get"], nothing, 0, { env: { NO_COLOR: "1" } })).not.toContain("\u001b[");
  expect(await inTerminal(["get", "-w"], { expected: "seen", answer: "\\x03" }, interrupted)).toContain("\u001b[2J");
  await inTerminal(["logs", "seen", "-f"], { expected: "it begins", answer: "\\x03" }, interrupted);

  // Without a terminal nobody can be asked.
  expect((await run(["delete", "--all"], 2)).stderr).toContain("-f");
  await inTerminal(["delete", "--all"], { expected: question, answer: "n\\n" }, interrupted);
  expect((await run(["get", "-o", "name"])).stdout).toBe("seen\n");
  await inTerminal(["delete", "--all"], { expected: question, answer: "y\\n" });
}

/** While progress is shown the cursor is hidden. */
function expectCursorBack(shown: string): void {
  expect(shown).toContain("\u001b[?25l");
  expect(shown.lastIndexOf("\u001b[?25h")).toBeGreaterThan(shown.lastIndexOf("\u001b[?25l"));
}
