import { describe, expect, test } from "vitest";
import { codeFrame } from "../../src/cli/render/code-frame.ts";
import { errorText } from "../../src/cli/render/error-text.ts";
import { paletteFor } from "../../src/cli/render/paint.ts";
import { wantsColor } from "../../src/cli/render/terminal.ts";
import { displayWidth } from "../../src/cli/render/width.ts";
import { CortexError, exitStatus } from "../../src/core/errors.ts";
import { expectGolden } from "./support/golden.ts";
import { filesWith, runCommand } from "./support/run-command.ts";

const failingWith = (error: Error) =>
  filesWith({
    parse: async () => {
      throw error;
    },
  });

const frame = (text: string, column: number, columns = 60) =>
  codeFrame({ file: "cortex.yaml", line: 7, column, text }, columns);

describe("an error", () => {
  test("shows its place, its line with a caret, and a hint", async () => {
    const error = new CortexError("SPEC_INVALID", "min_replicas (3) is above max_replicas (2)", {
      at: { file: "cortex.yaml", line: 7, column: 17, text: "  min_replicas: 3" },
      hint: "raise max_replicas to 3 or more",
    });
    const ran = await runCommand(["deploy"], { files: failingWith(error) });
    expect(ran).toEqual({
      status: 2,
      stdout: "",
      stderr: [
        "error: cortex.yaml:7:17: min_replicas (3) is above max_replicas (2)",
        "  7 |   min_replicas: 3",
        "    |                 ^",
        "hint: raise max_replicas to 3 or more",
        "",
      ].join("\n"),
    });
  });

  test("with several problems shows each, then how many there are", async () => {
    const error = new CortexError("SPEC_INVALID", "2 problems in cortex.yaml", {
      problems: [
        {
          message: 'iris: key "predictr" is not supported',
          at: { file: "cortex.yaml", line: 2, column: 3, text: "  predictr:" },
          hint: "did you mean predictor?",
        },
        {
          message: "iris: name is missing",
          at: { file: "cortex.yaml", line: 1, column: 1, text: "- kind: RealtimeAPI" },
        },
      ],
    });
    const files = failingWith(error);
    await expectGolden("error-problems", await runCommand(["deploy"], { files }));
    await expectGolden("error-problems-json", await runCommand(["deploy", "-o", "json"], { files }));
  });

  test("shows no stack, but with CORTEX_DEBUG=1 its own and that of its cause", async () => {
    const error = new CortexError("FAILED", "outer", { cause: new Error("inner") });
    expect((await runCommand(["deploy"], { files: failingWith(error) })).stderr).toBe("error: outer\n");
    const debugged = await runCommand(["deploy"], { files: failingWith(error), variables: { CORTEX_DEBUG: "1" } });
    expect(debugged.stderr).toMatch(/CortexError: outer\n {4}at [\s\S]*caused by Error: inner\n {4}at /);
  });

  test("that is a bug says so, shows its stack and how to report it, and ends with 1", async () => {
    const ran = await runCommand(["deploy"], { files: failingWith(new TypeError("x is not a function")) });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^error: Cortex itself failed; this is a bug of Cortex/);
    expect(ran.stderr).toContain("TypeError: x is not a function\n    at ");
    expect(ran.stderr).toContain("Please report it");
  });

  test.for([
    ["FAILED", 1],
    ["SPEC_INVALID", 2],
    ["NOT_AUTHORISED", 3],
    ["API_NOT_FOUND", 4],
    ["TIMED_OUT", 5],
    ["CONFLICT", 6],
    ["NO_CAPACITY", 7],
    ["INTERRUPTED", 130],
  ] as const)("%s ends with %i", ([code, status]) => {
    expect(exitStatus(new CortexError(code, "x"))).toBe(status);
  });

  test("is coloured where colour is wanted", async () => {
    const write = async () => {};
    const palette = await paletteFor({
      isTerminal: true,
      hasColor: true,
      columns: 80,
      isClosed: false,
      sizes: async function* () {},
      write,
    });
    const text = errorText(new CortexError("FAILED", "bad"), { palette, columns: 80, withStacks: false });
    expect(text).toContain("\u001b[31m");
    expect(displayWidth(text.trimEnd())).toBe("error: bad".length);
  });
});

describe("a code frame", () => {
  test("keeps the caret under its column behind tabs", () => {
    expect(frame("\t\tname: x", 3)).toEqual(["  7 |     name: x", "    |     ^"]);
  });

  test("keeps the caret under its column behind wide characters and accents", () => {
    expect(frame("名前: x", 5)).toEqual(["  7 | 名前: x", "    |       ^"]);
    expect(frame("e\u0301: x", 5)).toEqual(["  7 | e\u0301: x", "    |    ^"]);
    expect(frame("🚀: x", 5)).toEqual(["  7 | 🚀: x", "    |     ^"]);
  });

  test("points behind the end of a line", () => {
    expect(frame("name:", 6)).toEqual(["  7 | name:", "    |      ^"]);
  });

  test("shows what stands around the caret in a long line, never more than there is room for", () => {
    const [line, caret] = frame(`${"a".repeat(200)}X${"b".repeat(200)}`, 201, 40);
    expect(displayWidth(line!)).toBeLessThan(40);
    expect(line).toMatch(/\| …a+Xb+…$/);
    expect(line!.indexOf("X")).toBe(caret!.indexOf("^"));
  });

  test("drops control characters, so that a file cannot steer the terminal", () => {
    expect(frame("a\u001b[31mb", 1)[0]).toBe("  7 | a[31mb");
  });

  test("is left out when the line is not known", () => {
    expect(codeFrame({ file: "cortex.yaml", line: 1, column: 1 }, 80)).toEqual([]);
  });
});

describe("colour", () => {
  test.for([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ TERM: "dumb" }, true, false],
    [{ CI: "true" }, true, false],
    [{ CI: "false" }, true, true],
  ] as const)("with %j on a terminal (%s) is wanted: %s", ([variables, isTerminal, wanted]) => {
    expect(wantsColor(variables, isTerminal)).toBe(wanted);
  });
});
