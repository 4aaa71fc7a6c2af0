import { COLON, CR, classes, HTAB, LF, SP, TOKEN, VALUE } from "./bytes.ts";
import { fault } from "./faults.ts";

/** Numbers kept per header: where its name starts and ends, its value (trimmed) starts and ends, and the next line starts. */
const stride = 5;

/** Where the headers of one message stand in its bytes. Reused from message to message, so that parsing allocates nothing. */
export class Fields {
  count = 0;
  readonly limit: number;
  private readonly spans: Int32Array;

  constructor(limit: number) {
    this.limit = limit;
    this.spans = new Int32Array(limit * stride);
  }

  nameStart(index: number): number {
    return this.spans[index * stride]!;
  }

  nameEnd(index: number): number {
    return this.spans[index * stride + 1]!;
  }

  valueStart(index: number): number {
    return this.spans[index * stride + 2]!;
  }

  valueEnd(index: number): number {
    return this.spans[index * stride + 3]!;
  }

  lineEnd(index: number): number {
    return this.spans[index * stride + 4]!;
  }

  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number, lineEnd: number): void {
    const at = this.count++ * stride;
    this.spans[at] = nameStart;
    this.spans[at + 1] = nameEnd;
    this.spans[at + 2] = valueStart;
    this.spans[at + 3] = valueEnd;
    this.spans[at + 4] = lineEnd;
  }
}

/**
 * Reads header lines from `start` up to and including the empty line that ends them.
 * @returns the position after the empty line, 0 when `bytes` ends before it, or a negative fault
 */
export function scanFields(bytes: Uint8Array, start: number, end: number, fields: Fields): number {
  fields.count = 0;
  let at = start;
  while (at < end) {
    const nameStart = at;
    if (bytes[at] === CR) return at + 1 >= end ? 0 : bytes[at + 1] === LF ? at + 2 : fault.lineEnd;
    while (at < end && (classes[bytes[at]!]! & TOKEN) !== 0) at++;
    if (at >= end) return 0;
    if (bytes[at] !== COLON || at === nameStart) return nameFault(bytes[at]!, at === nameStart);
    const nameEnd = at++;
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    const valueStart = at;
    while (at < end && (classes[bytes[at]!]! & VALUE) !== 0) at++;
    if (at + 1 >= end) return at < end && bytes[at] !== CR ? valueFault(bytes[at]!) : 0;
    if (bytes[at] !== CR) return valueFault(bytes[at]!);
    if (bytes[at + 1] !== LF) return fault.lineEnd;
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    at += 2;
    if (fields.count === fields.limit) return fault.tooManyFields;
    fields.add(nameStart, nameEnd, valueStart, valueEnd, at);
  }
  return 0;
}

function nameFault(byte: number, isFirst: boolean): number {
  if (byte === LF) return fault.lineEnd;
  return isFirst && (byte === SP || byte === HTAB) ? fault.folded : fault.fieldName;
}

const valueFault = (byte: number): number => (byte === LF ? fault.lineEnd : fault.fieldValue);
