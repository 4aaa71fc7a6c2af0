import { describe, expect, test } from "vitest";
import { progressLine } from "../../src/cli/upgrade.ts";
import { CortexError } from "../../src/core/errors.ts";
import type { ProgramUpdates } from "../../src/core/program-update.ts";
import { runCommand } from "./support/run-command.ts";

/** Releases up to `newest`, and which were installed. */
function fakeUpdates(newest: string, installed: string[] = []): ProgramUpdates {
  return {
    installed: { version: "1.1.0", by: "file" },
    checkReplaceable: async () => {},
    newest: async () => newest,
    install: async (version, onProgress) => {
      onProgress({ bytes: 10_000_000, totalBytes: 40_000_000 });
      installed.push(version);
    },
  };
}

describe("upgrade", () => {
  test("installs the newest version", async () => {
    const installed: string[] = [];
    const ran = await runCommand(["upgrade"], { updates: fakeUpdates("1.2.0", installed) });
    expect(ran).toEqual({
      status: 0,
      stdout: "cortex 1.2.0 is installed, in the place of 1.1.0\n",
      stderr: "downloading cortex 1.2.0\n",
    });
    expect(installed).toEqual(["1.2.0"]);
  });

  test("has nothing to do where this is the newest version, or a newer one than a mirror has", async () => {
    for (const [newest, said] of [
      ["1.1.0", "this is cortex 1.1.0, the newest version\n"],
      ["1.0.0", "this is cortex 1.1.0; the newest release is 1.0.0\n"],
    ] as const) {
      const installed: string[] = [];
      const ran = await runCommand(["upgrade"], { updates: fakeUpdates(newest, installed) });
      expect(ran).toEqual({ status: 0, stdout: said, stderr: "" });
      expect(installed).toEqual([]);
    }
  });

  test("goes back only where that version is named", async () => {
    const installed: string[] = [];
    await runCommand(["upgrade", "v1.0.0"], { updates: fakeUpdates("1.2.0", installed) });
    expect(installed).toEqual(["1.0.0"]);
    const same = await runCommand(["upgrade", "1.1.0"], { updates: fakeUpdates("1.2.0", installed) });
    expect(same.stdout).toBe("this is cortex 1.1.0\n");
    expect(installed).toEqual(["1.0.0"]);
  });

  test("--check changes nothing", async () => {
    const installed: string[] = [];
    const updates = fakeUpdates("1.2.0", installed);
    const ran = await runCommand(["upgrade", "--check"], { updates });
    expect(ran.stdout).toBe("cortex 1.2.0 can be installed, this is 1.1.0: `cortex upgrade`\n");
    const json = await runCommand(["upgrade", "--check", "-o", "json"], { updates });
    expect(JSON.parse(json.stdout)).toEqual({ version: "1.1.0", previous: "1.1.0", wanted: "1.2.0", newest: "1.2.0" });
    expect(installed).toEqual([]);
  });

  test("asks nothing of a network where something else upgrades it", async () => {
    const updates = {
      ...fakeUpdates("1.2.0"),
      checkReplaceable: () => Promise.reject(new CortexError("NOT_SUPPORTED", "not ours", { hint: "`brew upgrade`" })),
      newest: () => Promise.reject(new Error("asked")),
    };
    const ran = await runCommand(["upgrade"], { updates });
    expect(ran).toEqual({ status: 2, stdout: "", stderr: "error: not ours\nhint: `brew upgrade`\n" });
  });

  test("-o json prints one document", async () => {
    const ran = await runCommand(["upgrade", "-o", "json"], { updates: fakeUpdates("1.2.0") });
    expect(JSON.parse(ran.stdout)).toEqual({ version: "1.2.0", previous: "1.1.0", wanted: "1.2.0", newest: "1.2.0" });
  });

  test("takes nothing but a version", async () => {
    const ran = await runCommand(["upgrade", "latest"], { updates: fakeUpdates("1.2.0") });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain('"latest" is no version');
  });

  test("says on a terminal how far the download is", () => {
    expect(progressLine("1.2.0", { bytes: 10_400_000, totalBytes: 40_000_000 })).toBe(
      "downloading cortex 1.2.0: 10 of 40 MB (26%)",
    );
    expect(progressLine("1.2.0", { bytes: 10_400_000, totalBytes: undefined })).toBe("downloading cortex 1.2.0: 10 MB");
  });
});

describe("a newer version", () => {
  const newerVersion = async () => "1.2.0";
  const told = "cortex 1.2.0 is there: `cortex upgrade` (CORTEX_NO_UPDATE_NOTICE=1: do not tell)\n";

  test("is told on stderr after what a command has to say, to a person alone", async () => {
    const ran = await runCommand(["version"], { newerVersion, isTerminal: true });
    expect(ran.stderr).toBe(told);
    expect(ran.stdout).not.toContain("1.2.0");
    expect((await runCommand(["version"], { newerVersion })).stderr).toBe("");
  });

  test("is told neither beside JSON nor where that is not wanted nor by upgrade itself", async () => {
    const options = { newerVersion, isTerminal: true, updates: fakeUpdates("1.1.0") };
    for (const args of [["version", "-o", "json"], ["version", "-ojson"], ["upgrade"]]) {
      expect((await runCommand(args, options)).stderr).toBe("");
    }
    const quiet = { ...options, variables: { CORTEX_NO_UPDATE_NOTICE: "1" } };
    expect((await runCommand(["version"], quiet)).stderr).toBe("");
  });

  test("is told after an error, too; and a failure to learn of one is nothing that a command says", async () => {
    const failed = await runCommand(["upgrade-me"], { newerVersion, isTerminal: true });
    expect(failed.status).toBe(2);
    expect(failed.stderr.endsWith(told)).toBe(true);
    const unknown = await runCommand(["version"], {
      newerVersion: () => Promise.reject(new Error()),
      isTerminal: true,
    });
    expect(unknown.stderr).toBe("");
  });
});
