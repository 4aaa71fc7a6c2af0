import { describe, expect, test } from "vitest";
import { catalog } from "../../src/cli/catalog.ts";
import { programOf } from "../../src/cli/program.ts";
import { quickAnswer } from "../../src/cli/quick-answers.ts";
import { expectGolden } from "./support/golden.ts";
import { fakeApp, runCommand } from "./support/run-command.ts";

const app = () => fakeApp([], {}, new AbortController().signal, () => {});

describe("help", () => {
  test("of the program is what commander would print, though commander is not loaded for it", async () => {
    const printed: string[] = [];
    const program = await programOf(app(), catalog, (text) => printed.push(text));
    program.outputHelp();
    expect(await quickAnswer(["--help"])).toBe(printed.join(""));
  });

  test("is the same for --help, -h, help and no argument at all", async () => {
    const answers = await Promise.all([["--help"], ["-h"], ["help"], []].map(quickAnswer));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain("Usage: cortex");
  });

  test("lists every command with the arguments and options that it really has", async () => {
    for (const entry of catalog) {
      const command = (await entry.load())(app());
      const usage = command.usage().replace("[command]", "").trim();
      const expected = ["env", "cluster"].includes(entry.name) ? "" : entry.usage;
      expect(usage.replace("[options]", "").trim(), entry.name).toBe(expected.replace("[options]", "").trim());
    }
  });

  test.for(catalog.map(({ name }) => name))("of %s begins with examples", async (name) => {
    const ran = await runCommand([name, "--help"]);
    expect(ran.stdout.startsWith("Examples:\n  cortex") || name === "completion").toBe(true);
    await expectGolden(`help-${name}`, ran);
  });

  test.for(["list", "configure", "default", "rename", "delete"])("of env %s", async (name) => {
    await expectGolden(`help-env-${name}`, await runCommand(["env", name, "--help"]));
  });

  test.for([
    "up",
    "diff",
    "configure",
    "upgrade",
    "down",
    "info",
    "list",
    "export",
    "install",
    "uninstall",
    "health",
    "iam-policy",
  ])("of cluster %s", async (name) => {
    await expectGolden(`help-cluster-${name}`, await runCommand(["cluster", name, "--help"]));
  });

  test("`help COMMAND` is `COMMAND --help`", async () => {
    expect(await runCommand(["help", "deploy"])).toEqual(await runCommand(["deploy", "--help"]));
  });

  test("on exit statuses and on variables needs no command", async () => {
    expect(await quickAnswer(["help", "exit-codes"])).toContain("130  interrupted");
    expect(await quickAnswer(["help", "variables"])).toContain("CORTEX_HOME");
  });
});
