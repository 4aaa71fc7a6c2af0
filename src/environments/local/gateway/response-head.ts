import { CR, classes, DIGIT, isWord, LF, SP, VALUE } from "./bytes.ts";
import { fault } from "./faults.ts";
import { Fields, scanFields } from "./fields.ts";
import { type Cuts, parseLength, textWithout, wordsOf } from "./framing.ts";

const maxHeadBytes = 64 * 1024;
const maxFields = 256;

/** What the gateway needs to know of a response's head; positions are in the bytes that were parsed. Reused. */
export class ResponseHead {
  readonly fields: Fields = new Fields(maxFields);
  readonly cuts: Cuts = [];
  status = 0;
  /** Where the status (the three digits) starts. */
  statusStart = 0;
  /** Where the empty line starts. */
  fieldsEnd = 0;
  contentLength = -1;
  isChunked = false;
  keepsAlive = true;
  hasRequestId = false;
  /** The Transfer-Encoding line, for clients that do not know it. */
  encodingStart = 0;
  encodingEnd = 0;
}

/**
 * Reads one response head.
 * @param head overwritten; meaningful only when a position is returned
 * @returns the position after the head, 0 when it is not complete, or a negative fault
 */
export function parseResponseHead(bytes: Buffer, start: number, end: number, head: ResponseHead): number {
  const next = parse(bytes, start, end, head);
  const size = (next === 0 ? end : next) - start;
  return next >= 0 && size > maxHeadBytes ? fault.headTooLarge : next;
}

function parse(bytes: Buffer, start: number, end: number, head: ResponseHead): number {
  const fieldsStart = parseStatusLine(bytes, start, end, head);
  if (fieldsStart <= 0) return fieldsStart;
  const next = scanFields(bytes, fieldsStart, end, head.fields);
  if (next <= 0) return next;
  head.fieldsEnd = next - 2;
  return readFields(bytes, head) || next;
}

function parseStatusLine(bytes: Buffer, start: number, end: number, head: ResponseHead): number {
  const expected = "HTTP/1.";
  const known = Math.min(end - start, expected.length);
  for (let i = 0; i < known; i++) if (bytes[start + i] !== expected.charCodeAt(i)) return fault.statusLine;
  if (end - start < 13) return 0;
  const minor = bytes[start + 7]! - 48;
  if ((minor !== 0 && minor !== 1) || bytes[start + 8] !== SP) return fault.statusLine;
  head.keepsAlive = minor === 1;
  head.statusStart = start + 9;
  head.status = 0;
  for (let i = start + 9; i < start + 12; i++) {
    if ((classes[bytes[i]!]! & DIGIT) === 0) return fault.statusLine;
    head.status = head.status * 10 + (bytes[i]! - 48);
  }
  let at = start + 12;
  if (head.status < 100 || (bytes[at] !== SP && bytes[at] !== CR)) return fault.statusLine;
  while (at < end && (classes[bytes[at]!]! & VALUE) !== 0) at++;
  if (at + 1 >= end) return 0;
  return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : fault.lineEnd;
}

/** @returns 0, or a fault */
function readFields(bytes: Buffer, head: ResponseHead): number {
  const { fields, cuts } = head;
  cuts.length = 0;
  head.contentLength = -1;
  head.isChunked = head.hasRequestId = false;
  for (let i = 0; i < fields.count; i++) {
    const name = fields.nameStart(i);
    const nameEnd = fields.nameEnd(i);
    const value = fields.valueStart(i);
    const valueEnd = fields.valueEnd(i);
    switch (nameEnd - name) {
      case 7:
        if (isWord(bytes, name, nameEnd, "upgrade")) cuts.push(name, fields.lineEnd(i));
        break;
      case 10:
        if (isWord(bytes, name, nameEnd, "keep-alive")) cuts.push(name, fields.lineEnd(i));
        if (!isWord(bytes, name, nameEnd, "connection")) break;
        cuts.push(name, fields.lineEnd(i));
        for (const word of wordsOf(bytes, value, valueEnd)) {
          if (word === "close") head.keepsAlive = false;
          else if (word === "keep-alive") head.keepsAlive = true;
        }
        break;
      case 12:
        if (isWord(bytes, name, nameEnd, "x-request-id")) head.hasRequestId = true;
        break;
      case 14: {
        if (!isWord(bytes, name, nameEnd, "content-length")) break;
        const length = parseLength(bytes, value, valueEnd);
        if (length < 0 || head.contentLength >= 0) return fault.contentLength;
        head.contentLength = length;
        break;
      }
      case 16:
        if (isWord(bytes, name, nameEnd, "proxy-connection")) cuts.push(name, fields.lineEnd(i));
        break;
      case 17:
        if (!isWord(bytes, name, nameEnd, "transfer-encoding")) break;
        if (head.isChunked || !isWord(bytes, value, valueEnd, "chunked")) return fault.transferEncoding;
        head.isChunked = true;
        head.encodingStart = name;
        head.encodingEnd = fields.lineEnd(i);
        break;
    }
  }
  return head.isChunked && head.contentLength >= 0 ? fault.bothLengths : 0;
}

/** Removes the Transfer-Encoding line, for a client that gets the chunks' content alone. */
export function cutEncoding(head: ResponseHead): void {
  const at = head.cuts.findIndex((start, i) => i % 2 === 0 && start > head.encodingStart);
  head.cuts.splice(at < 0 ? head.cuts.length : at, 0, head.encodingStart, head.encodingEnd);
}

/** Status, reason and headers as they go to the client, hop-by-hop headers gone; `lines` are added before the empty line. */
export function returnedHead(bytes: Buffer, head: ResponseHead, lines: string): string {
  return `HTTP/1.1 ${textWithout(bytes, head.statusStart, head.fieldsEnd, head.cuts)}${lines}\r\n`;
}
