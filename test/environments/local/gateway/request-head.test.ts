import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fault } from "../../../../src/environments/local/gateway/faults.ts";
import {
  forwardedHead,
  parseRequestHead,
  RequestHead,
} from "../../../../src/environments/local/gateway/request-head.ts";

function parse(text: string): { next: number; head: RequestHead; bytes: Buffer } {
  const head = new RequestHead();
  const bytes = Buffer.from(text, "latin1");
  return { next: parseRequestHead(bytes, 0, bytes.length, head), head, bytes };
}

const forward = (text: string): string => {
  const { head, bytes } = parse(text);
  return forwardedHead(bytes, head, { target: "/", peer: "127.0.0.1", prefixLine: "", requestId: "id" });
};

describe("a request head is refused when", () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ["its method is no token", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n", fault.method],
    ["its method is longer than any", `${"A".repeat(40)} / HTTP/1.1\r\nHost: x\r\n\r\n`, fault.method],
    ["there is no target", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", fault.target],
    ["its target is relative", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", fault.target],
    ["its target holds NUL", "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", fault.target],
    ["its target holds a fragment", "GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", fault.target],
    ["its target is an https URL", "GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n", fault.target],
    ["its target has user information", "GET http://a@x/ HTTP/1.1\r\nHost: x\r\n\r\n", fault.target],
    ["it is HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", fault.version],
    ["it is HTTP/0.9", "GET /\r\n\r\n", fault.target],
    ["its version is HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", fault.version],
    ["two spaces stand before the version", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n", fault.version],
    ["its first line ends in a bare LF", "GET / HTTP/1.1\nHost: x\n\n", fault.lineEnd],
    ["a header line ends in a bare LF", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", fault.lineEnd],
    ["a bare CR stands in a value", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", fault.lineEnd],
    ["NUL stands in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\0\r\n\r\n", fault.fieldValue],
    ["a space stands before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", fault.fieldName],
    ["a header has no name", "GET / HTTP/1.1\r\n: x\r\n\r\n", fault.fieldName],
    ["a header has no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", fault.fieldName],
    ["a header is folded", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", fault.folded],
    ["the first header line starts with a space", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", fault.folded],
    ["two lengths are given", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", -8],
    ["the length is a list", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", fault.contentLength],
    ["the length is signed", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", fault.contentLength],
    ["the length is hexadecimal", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\n", fault.contentLength],
    ["the length is empty", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", fault.contentLength],
    ["the length overflows", `GET / HTTP/1.1\r\nHost: x\r\nContent-Length: ${"9".repeat(20)}\r\n\r\n`, -8],
    [
      "length and chunks contradict",
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      -10,
    ],
    ["the encoding is unknown", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", -9],
    ["the encoding is quoted", 'GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "chunked"\r\n\r\n', -9],
    ["the encoding starts with a control", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", -6],
    [
      "the encoding is given twice",
      "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      -9,
    ],
    ["HTTP/1.0 is chunked", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", fault.transferEncoding],
    ["Host is missing", "GET / HTTP/1.1\r\n\r\n", fault.host],
    ["Host is given twice", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", fault.host],
    ["Host holds a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", fault.host],
    ["it expects the unknown", "GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", fault.expectation],
    ["it asks for a tunnel", "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", fault.notProxied],
    ["it has 101 headers", `GET / HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(100)}\r\n`, fault.tooManyFields],
    ["it exceeds 16 KiB", `GET / HTTP/1.1\r\nHost: x\r\nA: ${"b".repeat(16 * 1024)}\r\n\r\n`, fault.headTooLarge],
    ["it exceeds 16 KiB and is not complete", `GET /${"b".repeat(17 * 1024)}`, fault.headTooLarge],
  ];
  test.each(refused)("%s", (_, text, expected) => {
    expect(parse(text).next).toBe(expected);
  });
});

test("a head that is cut anywhere is incomplete, never wrong and never whole", () => {
  const text =
    "\r\nPOST /a?b=c HTTP/1.1\r\nHost: x\r\nConnection: close, X-A\r\nX-A: \xe4 \r\nContent-Length: 12\r\n\r\n";
  for (let length = 0; length < text.length; length++) expect(parse(text.slice(0, length)).next).toBe(0);
  expect(parse(text).next).toBe(text.length);
});

test("arbitrary bytes never make the parser throw, and a position it returns follows an empty line", () => {
  const piece = fc.constantFrom(
    "GET ",
    "/ ",
    "HTTP/1.1",
    "\r\n",
    "\n",
    "Host: x",
    ":",
    " ",
    "\0",
    "Content-Length: 5",
    "\r\n\r\n",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 20 }), (pieces) => {
      const text = pieces.join("");
      const { next, bytes } = parse(text);
      if (next > 0) expect(bytes.toString("latin1", next - 4, next)).toBe("\r\n\r\n");
    }),
  );
});

test("end-to-end headers are forwarded byte for byte, hop-by-hop ones are not", () => {
  const text =
    "GET /x HTTP/1.1\r\nhOsT: x:1\r\nConnection: close, X-Hop, TE\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nTE: trailers\r\n" +
    "Proxy-Connection: close\r\nUpgrade: h2c\r\nX-Own:  \ta\xff b \r\nTrailer: X-T\r\n\r\n";
  expect(forward(text)).toBe(
    "GET / HTTP/1.1\r\nhOsT: x:1\r\nX-Own:  \ta\xff b \r\nTrailer: X-T\r\nx-forwarded-proto: http\r\n" +
      "x-forwarded-for: 127.0.0.1\r\nx-request-id: id\r\n\r\n",
  );
});

test("a client cannot remove the headers that frame its request by naming them in Connection", () => {
  const text = "POST / HTTP/1.1\r\nHost: x\r\nConnection: content-length, host\r\nContent-Length: 3\r\n\r\n";
  expect(forward(text)).toContain("Host: x\r\nContent-Length: 3\r\n");
});

test("forwarding headers of a proxy before us are kept and extended", () => {
  const text =
    "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /no\r\n\r\n";
  expect(forward(text)).toBe(
    "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nx-forwarded-for: 1.2.3.4, 127.0.0.1\r\nx-request-id: id\r\n\r\n",
  );
});

test("the authority of an absolute target replaces Host", () => {
  const text = "GET HTTP://real:80/a?b HTTP/1.1\r\nHost: fake\r\n\r\n";
  const { head, bytes } = parse(text);
  expect(bytes.toString("latin1", head.targetStart, head.targetEnd)).toBe("/a?b");
  expect(forward(text)).toContain("host: real:80\r\n");
  expect(forward(text)).not.toContain("fake");
});

test("HTTP/1.0 keeps its connection only when it asks to, and gets a Host", () => {
  expect(parse("GET / HTTP/1.0\r\n\r\n").head.keepsAlive).toBe(false);
  expect(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.keepsAlive).toBe(true);
  expect(forward("GET / HTTP/1.0\r\n\r\n")).toContain("host: localhost\r\n");
});

test("only a sane request id is taken from the client", () => {
  expect(parse("GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-1.b\r\n\r\n").head.requestId).toBe("a-1.b");
  expect(parse('GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: "a"\r\n\r\n').head.requestId).toBe("");
  expect(parse(`GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${"a".repeat(129)}\r\n\r\n`).head.requestId).toBe("");
});
