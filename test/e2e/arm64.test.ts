import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { speaking, spec } from "../conformance/handlers.ts";
import { temporaryFolder } from "../project/folder.ts";
import { packagedFor } from "./support/program.ts";

/** Where Debian's `libc6-arm64-cross` and its like put what programs of that processor are linked with. */
const libraries = "/usr/aarch64-linux-gnu";
const binary = packagedFor("linux-arm64");
const emulator = ["qemu-aarch64", "qemu-aarch64-static"].find((name) => spawnSync(name, ["--version"]).status === 0);

/** Why it cannot be run here; undefined where it can. */
const missing = !existsSync(binary)
  ? "there is no binary: npm run package -- --target linux-arm64"
  : process.arch === "arm64"
    ? undefined
    : emulator === undefined
      ? "there is no qemu-aarch64: apt install qemu-user-static"
      : existsSync(`${libraries}/lib/ld-linux-aarch64.so.1`)
        ? undefined
        : "there is no C library of it: apt install libc6-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross";

describe.skipIf(missing)(`the binary for linux-arm64${missing ? `: ${missing}` : ""}`, () => {
  test("answers what needs no other program", { timeout: 120_000 }, async () => {
    await using folder = await temporaryFolder({ "cortex.yaml": spec("walk"), "handler.py": speaking("one") });
    const env = { PATH: process.env.PATH ?? "", CORTEX_HOME: `${folder.path}/home` };
    const command = process.arch === "arm64" ? [binary] : [emulator!, "-L", libraries, binary];
    const run = async (...args: readonly string[]) => {
      const [file, ...rest] = [...command, ...args];
      return (await promisify(execFile)(file!, rest, { cwd: folder.path, env })).stdout;
    };
    expect(await run("--version")).toMatch(/^cortex \d+\.\d+\.\d+/);
    expect(await run("version", "-o", "json")).toContain('"linux-arm64"');
    expect(await run("--help")).toContain("Usage: cortex");
    expect(await run("completion", "bash")).toContain("__complete");
    expect(await run("env", "list")).toContain("local");
    expect(await run("explain", "handler.path")).toContain("Python");
    expect(await run("deploy", "--dry-run")).toContain("walk");
    expect(await run("get", "-o", "json")).toBe("[]\n");
  });
});
