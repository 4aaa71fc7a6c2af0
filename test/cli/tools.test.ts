import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { completeWords } from "../../src/cli/complete.ts";
import { completionScript, shells } from "../../src/cli/completion-scripts.ts";
import { FakeEnvironment } from "./support/fake-environment.ts";
import { expectGolden } from "./support/golden.ts";
import { fakeApp, runCommand } from "./support/run-command.ts";
import { apiState } from "./support/states.ts";

const environment = () => new FakeEnvironment({ states: [apiState("iris"), apiState("digits")] });

/** Completes the last of `words`. @returns the candidates without what they mean */
async function complete(...words: readonly string[]): Promise<readonly string[]> {
  const app = fakeApp([], { environment: environment() }, new AbortController().signal, () => {});
  const answer = await completeWords(app, words);
  return answer.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\t")[0]!]));
}

describe("completion", () => {
  test("of the first word is the commands", async () => {
    expect(await complete("de")).toEqual(["deploy", "describe", "delete"]);
  });

  test("of an argument is the live APIs, each only once", async () => {
    expect(await complete("logs", "")).toEqual(["iris", "digits"]);
    expect(await complete("logs", "-f", "i")).toEqual(["iris"]);
    expect(await complete("delete", "iris", "")).toEqual(["digits"]);
    expect(await complete("get", "iris", "")).toEqual([]);
  });

  test("of a hyphen is the flags, of a flag its values", async () => {
    expect(await complete("deploy", "--w")).toEqual(["--watch"]);
    expect(await complete("deploy", "--no")).toEqual(["--no-wait"]);
    expect(await complete("get", "-o", "")).toEqual(["pretty", "wide", "json", "yaml", "name"]);
    expect(await complete("logs", "--y")).toEqual([]);
  });

  test("of -e and of env is the environments and subcommands", async () => {
    expect(await complete("get", "-e", "")).toEqual(["local"]);
    expect(await complete("env", "de")).toEqual(["default", "delete"]);
    expect(await complete("env", "default", "")).toEqual(["local"]);
    expect(await complete("env", "configure", "x", "--na")).toEqual(["--namespace"]);
  });

  test("of a file, or of a command that is not there, is nothing", async () => {
    expect(await complete("deploy", "")).toEqual([]);
    expect(await complete("nonsense", "")).toEqual([]);
  });

  test("says nothing when the environment fails", async () => {
    const app = fakeApp([], {}, new AbortController().signal, () => {});
    app.environment = () => Promise.reject(new Error("broken"));
    expect(await completeWords(app, ["logs", ""])).toBe("");
  });

  test.for(shells)("for %s asks the hidden command", (shell) => {
    expect(completionScript(shell)).toContain("cortex __complete");
  });

  test("works in a real bash", async () => {
    const script = `${completionScript("bash")}
cortex() { printf '%s\\n' "iris	RealtimeAPI" "irises	RealtimeAPI" "digits	RealtimeAPI"; }
COMP_WORDS=(cortex logs ir); COMP_CWORD=2; _cortex; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", script]);
    expect(stdout).toBe("iris\nirises\n");
  });
});

describe("doctor", () => {
  const checks = [
    { name: "python", status: "ok", message: "Python 3.12.4 at /usr/bin/python3" },
    { name: "uv", status: "warn", message: "not on the PATH", fix: "pip install uv" },
    { name: "port", status: "fail", message: "8888 is taken", fix: "export CORTEX_LOCAL_PORT=8889" },
  ] as const;

  test("prints a line per check, a fix under each that is not well, and ends with 1", async () => {
    await expectGolden("doctor", await runCommand(["doctor"], { checks, isTerminal: true }));
    await expectGolden("doctor-json", await runCommand(["doctor", "-o", "json"], { checks }));
  });

  test("ends with 0 when nothing fails", async () => {
    expect(await runCommand(["doctor"], { checks: checks.slice(0, 2) })).toMatchObject({ status: 0 });
  });
});

describe("version", () => {
  test("says which of the programs called cortex this is", async () => {
    expect((await runCommand(["version"])).stdout).toMatch(
      /^cortex \d+\.\d+\.\d+, which turns Python models into web APIs\n/,
    );
    expect(JSON.parse((await runCommand(["version", "-o", "json"])).stdout)).toMatchObject({ build: "dev" });
  });

  test("is the same for every environment, which older versions took with -e", async () => {
    expect(await runCommand(["version", "-e", "local"])).toEqual(await runCommand(["version"]));
  });
});
