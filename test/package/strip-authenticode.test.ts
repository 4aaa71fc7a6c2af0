import { describe, expect, test } from "vitest";
import {
  findAuthenticode,
  fixPeChecksum,
  peChecksum,
  stripAuthenticode,
} from "../../scripts/package/strip-authenticode.ts";

const peAt = 0x80;
const checksumAt = peAt + 24 + 64;

/** The least that is a 64-bit PE file, with a signature of `signatureBytes` at its end. */
function pe(signatureBytes: number): Buffer {
  const codeBytes = 1024;
  const file = Buffer.alloc(codeBytes + signatureBytes, 0x33);
  file.fill(0, 0, 512);
  file.write("MZ", 0);
  file.writeUInt32LE(peAt, 0x3c);
  file.write("PE\0\0", peAt);
  file.writeUInt16LE(0x20b, peAt + 24);
  if (signatureBytes > 0) {
    file.writeUInt32LE(codeBytes, peAt + 24 + 112 + 32);
    file.writeUInt32LE(signatureBytes, peAt + 24 + 112 + 36);
  }
  return fixPeChecksum(file);
}

describe("a Windows program that somebody has signed", () => {
  test("is after the signature's removal as if it had never had one", () => {
    const signed = pe(64);
    expect(findAuthenticode(signed)).toEqual({ start: 1024, length: 64 });
    expect(stripAuthenticode(signed).equals(pe(0))).toBe(true);
    expect(findAuthenticode(stripAuthenticode(signed))).toBeUndefined();
  });

  test("stays as it is without a signature", () => {
    expect(stripAuthenticode(pe(0)).equals(pe(0))).toBe(true);
  });

  test("is refused when something lies behind the signature", () => {
    const appended = Buffer.concat([pe(64), Buffer.alloc(8)]);
    expect(() => stripAuthenticode(appended)).toThrow("not at its end");
    expect(() => stripAuthenticode(Buffer.alloc(512))).toThrow("not a PE file");
  });

  test("has a checksum over all but the checksum itself", () => {
    const file = pe(0);
    const other = Buffer.from(file);
    other.writeUInt32LE(0xdeadbeef, checksumAt);
    expect(peChecksum(other)).toBe(file.readUInt32LE(checksumAt));
    other[700]! ^= 1;
    expect(peChecksum(other)).not.toBe(file.readUInt32LE(checksumAt));
  });
});
