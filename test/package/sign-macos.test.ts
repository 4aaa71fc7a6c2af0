import { describe, expect, test } from "vitest";
import { checkMacosSignature, signMacos } from "../../scripts/package/sign-macos.ts";

/** The least that is a Mach-O executable: a header, `__TEXT` with a section, `__LINKEDIT`, and `bytes` of content. */
function machO(bytes: number, roomForCommands = 256): Buffer {
  const commandBytes = 72 + 80 + 72;
  const codeAt = 32 + commandBytes + roomForCommands;
  const file = Buffer.alloc(codeAt + bytes, 0x5a);
  file.fill(0, 0, codeAt);
  const header = [0xfeedfacf, 0x0100000c, 0, 2, 2, commandBytes, 0, 0];
  for (const [index, word] of header.entries()) file.writeUInt32LE(word, index * 4);
  const segment = (at: number, name: string, fileAt: number, fileBytes: number, sections: number) => {
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(72 + 80 * sections, at + 4);
    file.write(name, at + 8);
    file.writeBigUInt64LE(BigInt(fileBytes), at + 32);
    file.writeBigUInt64LE(BigInt(fileAt), at + 40);
    file.writeBigUInt64LE(BigInt(fileBytes), at + 48);
    file.writeUInt32LE(sections, at + 64);
  };
  const linkEditBytes = Math.min(100, bytes);
  segment(32, "__TEXT", 0, file.length - linkEditBytes, 1);
  file.writeUInt32LE(codeAt, 32 + 72 + 48);
  segment(32 + 152, "__LINKEDIT", file.length - linkEditBytes, linkEditBytes, 0);
  return file;
}

describe("an ad-hoc signature for macOS", () => {
  test.each([100, 4096, 50_000, 1_234_567])("has the right hash for every page of a program of %i bytes", (bytes) => {
    const signed = signMacos(machO(bytes), "dev.cortex.cli");
    expect(checkMacosSignature(signed)).toEqual([]);
    expect(signed.includes("dev.cortex.cli\0")).toBe(true);
  });

  test("leaves the program's own bytes as they are, and grows only what holds it", () => {
    const program = machO(50_000);
    const signed = signMacos(program, "dev.cortex.cli");
    const codeAt = 32 + 224 + 256;
    expect(signed.subarray(codeAt, program.length).equals(program.subarray(codeAt))).toBe(true);
    expect(signed.readUInt32LE(16)).toBe(3);
  });

  test("takes the place of an older one", () => {
    const once = signMacos(machO(50_000), "dev.cortex.cli");
    expect(signMacos(once, "dev.cortex.cli").equals(once)).toBe(true);
    expect(checkMacosSignature(signMacos(once, "another.and.longer.name"))).toEqual([]);
  });

  test("does not match a program that was changed", () => {
    const signed = signMacos(machO(50_000), "dev.cortex.cli");
    signed[20_000]! ^= 1;
    expect(checkMacosSignature(signed)).toEqual(["page 4 has another hash"]);
    expect(checkMacosSignature(machO(100))).toEqual(["there is no signature"]);
  });

  test("is refused where there is no room for it, and for what is no such program", () => {
    expect(() => signMacos(machO(50_000, 8), "dev.cortex.cli")).toThrow("no room");
    expect(() => signMacos(Buffer.alloc(64), "dev.cortex.cli")).toThrow("not a thin 64-bit Mach-O executable");
  });
});
