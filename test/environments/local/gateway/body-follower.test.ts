import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BodyFollower } from "../../../../src/environments/local/gateway/body-follower.ts";

/** Where a chunked body ends in `text` when it arrives in pieces of the given sizes; -1 malformed, -2 not ended. */
function chunkedEnd(text: string, sizes: readonly number[] = [text.length]): number {
  const body = new BodyFollower();
  body.chunked();
  const bytes = Buffer.from(text, "latin1");
  let start = 0;
  for (let i = 0; start < bytes.length; i++) {
    const end = Math.min(bytes.length, start + Math.max(1, sizes[i % sizes.length]!));
    const bodyEnd = body.advance(bytes, start, end);
    if (body.isMalformed) return -1;
    if (body.isDone) return bodyEnd;
    start = end;
  }
  return -2;
}

test("a chunked body ends after its last chunk and trailers, however it is split", () => {
  const chunk = fc.string({ minLength: 1, maxLength: 40 }).map((text) => Buffer.from(text).toString("latin1"));
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(chunk), fc.boolean(), fc.boolean(), sizes, (chunks, hasExtension, hasTrailer, split) => {
      const extension = hasExtension ? ";a=b" : "";
      const body = [
        ...chunks.map((one) => `${one.length.toString(16)}${extension}\r\n${one}\r\n`),
        `0${extension}\r\n${hasTrailer ? "X-Sum: 1\r\n" : ""}\r\n`,
      ].join("");
      expect(chunkedEnd(`${body}GET / HTTP/1.1\r\n`, split)).toBe(body.length);
    }),
  );
});

describe("chunk framing is refused when", () => {
  const refused: readonly (readonly [string, string])[] = [
    ["a size is not hexadecimal", "g\r\n"],
    ["a size is missing", "\r\n"],
    ["a size is negative", "-1\r\n"],
    ["a size has a prefix", "0x1\r\na\r\n0\r\n\r\n"],
    ["a size overflows", `${"f".repeat(16)}\r\n`],
    ["a space follows the size", "1 \r\na\r\n0\r\n\r\n"],
    ["a size line ends in a bare LF", "1\na\n0\n\n"],
    ["a bare LF hides in an extension", "1;a\nb\r\na\r\n0\r\n\r\n"],
    ["a chunk is longer than its size", "1\r\nab\r\n0\r\n\r\n"],
    ["a chunk ends in a bare LF", "1\r\na\n0\r\n\r\n"],
    ["an extension never ends", `1;${"a".repeat(2000)}`],
    ["a trailer has no name", "0\r\n: a\r\n\r\n"],
    ["a trailer is folded", "0\r\nA: a\r\n b\r\n\r\n"],
    ["trailers never end", `0\r\n${"A: bbbbbbbbbbbbbb\r\n".repeat(1000)}`],
  ];
  test.each(refused)("%s", (_, text) => {
    expect(chunkedEnd(text)).toBe(-1);
    expect(chunkedEnd(text, [1])).toBe(-1);
  });
});

test("the content of chunks can be told from their framing", () => {
  const body = new BodyFollower();
  body.chunked();
  body.content = [];
  const bytes = Buffer.from("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  body.advance(bytes, 0, bytes.length);
  const pairs = body.content!;
  expect(bytes.toString("latin1", pairs[0], pairs[1]) + bytes.toString("latin1", pairs[2], pairs[3])).toBe("abcde");
});
