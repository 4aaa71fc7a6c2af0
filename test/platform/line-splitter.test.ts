import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineSplitter, longestLine } from "../../src/platform/line-splitter.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a line splitter", () => {
  test("gives the same lines however the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.integer({ min: 1, max: 7 }), (texts, size) => {
        const all = bytes(texts.join("\n"));
        const splitter = new LineSplitter();
        const lines: string[] = [];
        for (let start = 0; start < all.length; start += size)
          lines.push(...splitter.push(all.subarray(start, start + size)));
        lines.push(...splitter.end());
        const whole = new LineSplitter();
        expect(lines).toEqual([...whole.push(all), ...whole.end()]);
      }),
    );
  });

  test("keeps a line back until its break comes", () => {
    const splitter = new LineSplitter();
    expect(splitter.push(bytes("one\ntw"))).toEqual(["one"]);
    expect(splitter.push(bytes("o\r\n\n"))).toEqual(["two", ""]);
    expect(splitter.end()).toEqual([]);
  });

  test("replaces what is no UTF-8", () => {
    expect(new LineSplitter().push(new Uint8Array([0x61, 0xff, 0x62, 0x0a]))).toEqual(["a\ufffdb"]);
  });

  test("splits a line that is too long, but no character", () => {
    const splitter = new LineSplitter();
    const text = `${"x".repeat(longestLine - 1)}😀y`;
    expect(splitter.push(bytes(text))).toEqual(["x".repeat(longestLine - 1)]);
    expect(splitter.end()).toEqual(["😀y"]);
  });
});
