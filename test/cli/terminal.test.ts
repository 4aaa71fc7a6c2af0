import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = resolve(import.meta.dirname, "../../src/main.ts");
const driver = resolve(import.meta.dirname, "support/in-terminal.py");

let folder: string;
let home: string;
let project: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cortex-terminal-"));
  home = join(folder, "home");
  project = join(folder, "many");
  await mkdir(project);
  await writeFile(
    join(project, "cortex.yaml"),
    "- name: many\n  kind: RealtimeAPI\n  handler:\n    path: handler.py\n",
  );
  await writeFile(join(project, "handler.py"), "class Handler:\n    def handle_get(self):\n        return 1\n");
  await Promise.all(Array.from({ length: 1_000 }, (_, index) => writeFile(join(project, `${index}.txt`), `${index}`)));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number;
  /** All that the terminal showed. */
  readonly shown: string;
}

/** Runs the real program in a real terminal, and sends `answer` when `expected` is seen. */
function inTerminal(
  args: readonly string[],
  { expected = "", answer = "", env = {} }: { expected?: string; answer?: string; env?: Record<string, string> } = {},
): Promise<Ran> {
  const own = { CORTEX_HOME: home, CORTEX_NO_UPDATE_NOTICE: "1" };
  const variables = { PATH: process.env.PATH ?? "", TERM: "xterm", ...own, ...env };
  const command = [driver, expected, answer, process.execPath, main, ...args];
  return new Promise((ended) => {
    execFile("python3", command, { env: variables, timeout: 100_000 }, (error, shown) => {
      ended({ status: typeof error?.code === "number" ? error.code : error ? -1 : 0, shown });
    });
  });
}

describe.runIf(process.platform !== "win32")("in a real terminal", () => {
  test("a question is asked, and no is taken for an answer", async () => {
    const ran = await inTerminal(["deploy", project], { expected: "(y/n) ", answer: "n\\n" });
    expect(ran.shown).toContain("nothing was deployed");
    expect(ran.status).toBe(130);
  });

  test("Ctrl-C at a question ends with 130 and shows the cursor", async () => {
    const ran = await inTerminal(["deploy", project], { expected: "(y/n) ", answer: "\\x03" });
    expect(ran.shown).toContain("interrupted; nothing was changed");
    expect(ran.status).toBe(130);
    expect(ran.shown.lastIndexOf("\u001b[?25h")).toBeGreaterThanOrEqual(ran.shown.lastIndexOf("\u001b[?25l"));
  });

  test.for([{ CI: "true" }, { CORTEX_NO_INPUT: "1" }] as Record<string, string>[])(
    "nobody is asked under %j; the flag is named",
    async (env) => {
      const ran = await inTerminal(["deploy", project], { env });
      expect(ran.shown).toContain("add -y to agree beforehand");
      expect(ran.status).toBe(2);
    },
  );

  test("errors are coloured, and plain under NO_COLOR", async () => {
    expect((await inTerminal(["nonsense"])).shown).toContain("\u001b[31m");
    expect((await inTerminal(["nonsense"], { env: { NO_COLOR: "1" } })).shown).not.toContain("\u001b[");
  });

  test("get -w is redrawn until Ctrl-C", async () => {
    const ran = await inTerminal(["get", "-w"], { expected: "no apis are deployed", answer: "\\x03" });
    expect(ran.shown).toContain("\u001b[2J");
    expect(ran.status).toBe(130);
  });
});
