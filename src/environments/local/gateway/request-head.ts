import { CR, classes, HOST, isAll, isWord, LF, QUESTION, REQUEST_ID, SLASH, SP, TARGET, TOKEN } from "./bytes.ts";
import { fault } from "./faults.ts";
import { Fields, scanFields } from "./fields.ts";
import { type Cuts, parseLength, textWithout, wordsOf } from "./framing.ts";

export const maxHeadBytes = 16 * 1024;
const maxFields = 100;
const maxMethodBytes = 32;

/** What the gateway needs to know of a request's head; positions are in the bytes that were parsed. Reused. */
export class RequestHead {
  readonly fields: Fields = new Fields(maxFields);
  /** Hop-by-hop lines, and those that the gateway writes itself. */
  readonly cuts: Cuts = [];
  method = "";
  /** Where the path (with its query) starts and ends. */
  targetStart = 0;
  targetEnd = 0;
  /** Where the path ends and a query may begin. */
  pathEnd = 0;
  /** The authority of an absolute target, which overrules Host. */
  authority = "";
  /** 1 or 0: HTTP/1.1 or HTTP/1.0. */
  minor = 1;
  fieldsStart = 0;
  /** Where the empty line starts. */
  fieldsEnd = 0;
  /** -1 when there is none. */
  contentLength = -1;
  isChunked = false;
  hasHost = false;
  keepsAlive = true;
  upgradesToWebSocket = false;
  expectsContinue = false;
  /** A sane id that the client sent, else "". */
  requestId = "";
  forwardedFor = "";
  hasForwardedProto = false;
}

/**
 * Reads one request head, strictly: what two parsers could understand differently is refused.
 * @param head overwritten; meaningful only when a position is returned
 * @returns the position after the head, 0 when it is not complete, or a negative fault
 */
export function parseRequestHead(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  const next = parse(bytes, start, end, head);
  const size = (next === 0 ? end : next) - start;
  return next >= 0 && size > maxHeadBytes ? fault.headTooLarge : next;
}

function parse(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  const fieldsStart = parseRequestLine(bytes, start, end, head);
  if (fieldsStart <= 0) return fieldsStart;
  const next = scanFields(bytes, fieldsStart, end, head.fields);
  if (next <= 0) return next;
  head.fieldsStart = fieldsStart;
  head.fieldsEnd = next - 2;
  return readFields(bytes, head) || next;
}

function parseRequestLine(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  let at = start;
  // Some old clients send an empty line after a body; RFC 9112 asks servers to skip it.
  while (at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  const methodStart = at;
  while (at < end && (classes[bytes[at]!]! & TOKEN) !== 0) at++;
  if (at - methodStart > maxMethodBytes) return fault.method;
  if (at >= end) return 0;
  if (bytes[at] !== SP || at === methodStart) return at === methodStart && bytes[at] === CR ? 0 : fault.method;
  head.method = methodName(bytes, methodStart, at);
  const targetStart = ++at;
  while (at < end && (classes[bytes[at]!]! & TARGET) !== 0) at++;
  if (at >= end) return 0;
  if (bytes[at] !== SP || at === targetStart) return fault.target;
  const targetEnd = at++;
  const next = parseVersion(bytes, at, end, head);
  if (next <= 0) return next;
  if (head.method === "CONNECT" || head.method === "TRACE") return fault.notProxied;
  return locateTarget(bytes, targetStart, targetEnd, head) || next;
}

/** @returns the position after the version and its line end, 0 when that is not complete, or a fault */
function parseVersion(bytes: Uint8Array, start: number, end: number, head: RequestHead): number {
  const expected = "HTTP/1.";
  const known = Math.min(end - start, expected.length);
  for (let i = 0; i < known; i++) if (bytes[start + i] !== expected.charCodeAt(i)) return fault.version;
  if (end - start < 8) return 0;
  head.minor = bytes[start + 7]! - 48;
  if (head.minor !== 0 && head.minor !== 1) return fault.version;
  if (end - start < 9) return 0;
  if (bytes[start + 8] !== CR) return bytes[start + 8] === LF ? fault.lineEnd : fault.version;
  if (end - start < 10) return 0;
  return bytes[start + 9] === LF ? start + 10 : fault.lineEnd;
}

/** Spares the common methods a new string. */
function methodName(bytes: Buffer, start: number, end: number): string {
  if (end - start === 3 && bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84) return "GET";
  if (end - start === 4 && bytes.readInt32BE(start) === 0x504f5354) return "POST";
  return bytes.toString("latin1", start, end);
}

/** @returns 0, or a fault */
function locateTarget(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  let pathStart = start;
  head.authority = "";
  if (bytes[start] !== SLASH) {
    if (head.method === "OPTIONS" && end - start === 1 && bytes[start] === 42) {
      head.targetStart = start;
      head.targetEnd = head.pathEnd = end;
      return 0;
    }
    if (end - start < 8 || bytes.toString("latin1", start, start + 7).toLowerCase() !== "http://") return fault.target;
    const authorityStart = start + 7;
    pathStart = bytes.indexOf(SLASH, authorityStart);
    // `http://host` and `http://host?query` have an empty path, which nothing here is served at.
    if (pathStart < 0 || pathStart >= end || !isAll(bytes, authorityStart, pathStart, HOST)) return fault.target;
    head.authority = bytes.toString("latin1", authorityStart, pathStart);
    if (head.authority === "") return fault.target;
  }
  head.targetStart = pathStart;
  head.targetEnd = end;
  let at = pathStart;
  while (at < end && bytes[at] !== QUESTION) at++;
  head.pathEnd = at;
  return 0;
}

/** Reads the headers that matter here. @returns 0, or a fault */
function readFields(bytes: Buffer, head: RequestHead): number {
  const { fields, cuts } = head;
  cuts.length = 0;
  head.contentLength = -1;
  head.isChunked = head.hasHost = head.hasForwardedProto = head.expectsContinue = head.upgradesToWebSocket = false;
  head.keepsAlive = head.minor === 1;
  head.requestId = head.forwardedFor = "";
  let namesUpgrade = false;
  let isWebSocket = false;
  let nominated: string[] | undefined;
  for (let i = 0; i < fields.count; i++) {
    const name = fields.nameStart(i);
    const nameEnd = fields.nameEnd(i);
    const value = fields.valueStart(i);
    const valueEnd = fields.valueEnd(i);
    switch (nameEnd - name) {
      case 2:
        if (isWord(bytes, name, nameEnd, "te")) cuts.push(name, fields.lineEnd(i));
        break;
      case 4:
        if (!isWord(bytes, name, nameEnd, "host")) break;
        if (head.hasHost || !isAll(bytes, value, valueEnd, HOST)) return fault.host;
        head.hasHost = true;
        if (head.authority !== "") cuts.push(name, fields.lineEnd(i));
        break;
      case 6:
        if (!isWord(bytes, name, nameEnd, "expect")) break;
        if (!isWord(bytes, value, valueEnd, "100-continue")) return fault.expectation;
        head.expectsContinue = head.minor === 1;
        if (!head.expectsContinue) cuts.push(name, fields.lineEnd(i));
        break;
      case 7:
        if (!isWord(bytes, name, nameEnd, "upgrade")) break;
        isWebSocket = isWord(bytes, value, valueEnd, "websocket");
        cuts.push(name, fields.lineEnd(i));
        break;
      case 10:
        if (isWord(bytes, name, nameEnd, "keep-alive")) cuts.push(name, fields.lineEnd(i));
        if (!isWord(bytes, name, nameEnd, "connection")) break;
        cuts.push(name, fields.lineEnd(i));
        if (isWord(bytes, value, valueEnd, "keep-alive")) {
          head.keepsAlive = true;
          break;
        }
        for (const word of wordsOf(bytes, value, valueEnd)) {
          if (word === "close") head.keepsAlive = false;
          else if (word === "upgrade") namesUpgrade = true;
          else if (word === "keep-alive") head.keepsAlive = true;
          else nominated = [...(nominated ?? []), word];
        }
        break;
      case 12:
        if (!isWord(bytes, name, nameEnd, "x-request-id")) break;
        cuts.push(name, fields.lineEnd(i));
        if (valueEnd > value && valueEnd - value <= 128 && isAll(bytes, value, valueEnd, REQUEST_ID)) {
          head.requestId = bytes.toString("latin1", value, valueEnd);
        }
        break;
      case 14: {
        if (!isWord(bytes, name, nameEnd, "content-length")) break;
        const length = parseLength(bytes, value, valueEnd);
        if (length < 0 || head.contentLength >= 0) return fault.contentLength;
        head.contentLength = length;
        break;
      }
      case 15:
        if (!isWord(bytes, name, nameEnd, "x-forwarded-for")) break;
        cuts.push(name, fields.lineEnd(i));
        head.forwardedFor += `${bytes.toString("latin1", value, valueEnd)}, `;
        break;
      case 16:
        if (isWord(bytes, name, nameEnd, "proxy-connection")) cuts.push(name, fields.lineEnd(i));
        break;
      case 17:
        if (isWord(bytes, name, nameEnd, "x-forwarded-proto")) head.hasForwardedProto = true;
        if (!isWord(bytes, name, nameEnd, "transfer-encoding")) break;
        if (head.isChunked || head.minor === 0 || !isWord(bytes, value, valueEnd, "chunked")) {
          return fault.transferEncoding;
        }
        head.isChunked = true;
        break;
      case 18:
        if (isWord(bytes, name, nameEnd, "x-forwarded-prefix")) cuts.push(name, fields.lineEnd(i));
        break;
    }
  }
  if (head.isChunked && head.contentLength >= 0) return fault.bothLengths;
  if (!head.hasHost && head.minor === 1 && head.authority === "") return fault.host;
  const hasBody = head.isChunked || head.contentLength > 0;
  head.upgradesToWebSocket = namesUpgrade && isWebSocket && !hasBody && head.minor === 1;
  if (nominated) cutNominated(bytes, head, nominated);
  return 0;
}

/** Headers that a client may not have removed by naming them in `Connection`: they say whose request it is and where it ends. */
const kept = new Set(["host", "content-length", "transfer-encoding", "content-type", "authorization"]);

function cutNominated(bytes: Buffer, head: RequestHead, nominated: readonly string[]): void {
  const { fields, cuts } = head;
  const ends = new Map<number, number>();
  for (let i = 0; i < cuts.length; i += 2) ends.set(cuts[i]!, cuts[i + 1]!);
  for (let i = 0; i < fields.count; i++) {
    const name = bytes.toString("latin1", fields.nameStart(i), fields.nameEnd(i)).toLowerCase();
    if (nominated.includes(name) && !kept.has(name)) ends.set(fields.nameStart(i), fields.lineEnd(i));
  }
  cuts.splice(0, cuts.length, ...[...ends].sort(([a], [b]) => a - b).flat());
}

/** What a head says further on its way to a replica, besides the client's own headers. */
export interface ForwardedFields {
  /** The request target without the API's endpoint. */
  readonly target: string;
  /** The client's address. */
  readonly peer: string;
  /** The `x-forwarded-prefix` line, or "". */
  readonly prefixLine: string;
  readonly requestId: string;
}

/** The head as it goes to a replica: HTTP/1.1, hop-by-hop headers gone, the rest as it came. */
export function forwardedHead(bytes: Buffer, head: RequestHead, forwarded: ForwardedFields): string {
  const { target, peer, prefixLine, requestId } = forwarded;
  let lines = textWithout(bytes, head.fieldsStart, head.fieldsEnd, head.cuts);
  if (head.authority !== "") lines += `host: ${head.authority}\r\n`;
  else if (!head.hasHost) lines += "host: localhost\r\n";
  if (!head.hasForwardedProto) lines += "x-forwarded-proto: http\r\n";
  if (head.upgradesToWebSocket) lines += "connection: upgrade\r\nupgrade: websocket\r\n";
  return `${head.method} ${target} HTTP/1.1\r\n${lines}x-forwarded-for: ${head.forwardedFor}${peer}\r\n${prefixLine}x-request-id: ${requestId}\r\n\r\n`;
}
