import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { stripElf } from "../../scripts/package/strip-elf.ts";
import { temporaryFolder } from "../project/folder.ts";

const run = promisify(execFile);

describe.skipIf(process.platform !== "linux")("an ELF executable without what only debuggers read", () => {
  test("runs as before, is a fifth smaller, and is not changed by doing it twice", async () => {
    await using folder = await temporaryFolder();
    const whole = await readFile(process.execPath);
    const stripped = stripElf(whole);
    const file = join(folder.path, "node");
    await writeFile(file, stripped, { mode: 0o755 });
    const { stdout } = await run(file, [
      "-e",
      "fetch('data:,works').then((r) => r.text()).then(console.log).then(() => console.log(process.version))",
    ]);
    expect(stdout).toBe(`works\n${process.version}\n`);
    expect(stripped.length).toBeLessThan(whole.length * 0.8);
    expect(stripElf(stripped).equals(stripped)).toBe(true);
  });

  test("keeps every section that is loaded, under its name", async () => {
    const whole = await readFile(process.execPath);
    const loaded = sections(whole).filter(({ flags }) => (flags & 2n) !== 0n);
    const kept = sections(stripElf(whole));
    expect(kept.slice(1, -1)).toEqual(loaded);
    expect(kept.at(-1)!.name).toBe(".shstrtab");
  });
});

test("what is no ELF executable is refused", () => {
  expect(() => stripElf(Buffer.from("#!/bin/sh\n"))).toThrow("not a 64-bit little-endian ELF file");
});

/** Reads the table in the simplest way. */
function sections(file: Buffer) {
  const at = Number(file.readBigUInt64LE(40));
  const header = (index: number) => file.subarray(at + 64 * index, at + 64 * (index + 1));
  const names = Number(header(file.readUInt16LE(62)).readBigUInt64LE(24));
  return Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const one = header(index);
    const name = file
      .toString("latin1", names + one.readUInt32LE(0))
      .slice(0, 64)
      .split("\0")[0];
    const [flags, address, offset, size] = [8, 16, 24, 32].map((place) => one.readBigUInt64LE(place));
    return { name, type: one.readUInt32LE(4), flags: flags!, address, offset, size };
  });
}
