import { classes, DIGIT } from "./bytes.ts";
import { fault } from "./faults.ts";

/** The value of a Content-Length header in `bytes[start, end)`, or a negative fault. */
export function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return fault.contentLength;
  let length = 0;
  for (let i = start; i < end; i++) {
    if ((classes[bytes[i]!]! & DIGIT) === 0) return fault.contentLength;
    length = length * 10 + (bytes[i]! - 48);
  }
  return length;
}

/** Lines left out of a head when it is passed on, as pairs of start and end in rising order. */
export type Cuts = number[];

/** `bytes[start, end)` as text, without what `cuts` names. */
export function textWithout(bytes: Buffer, start: number, end: number, cuts: Cuts): string {
  if (cuts.length === 0) return bytes.toString("latin1", start, end);
  let text = "";
  let from = start;
  for (let i = 0; i < cuts.length; i += 2) {
    if (cuts[i]! > from) text += bytes.toString("latin1", from, cuts[i]!);
    from = cuts[i + 1]!;
  }
  return end > from ? text + bytes.toString("latin1", from, end) : text;
}

/** The comma-separated words of a header's value, lower case. */
export function wordsOf(bytes: Buffer, start: number, end: number): string[] {
  return bytes
    .toString("latin1", start, end)
    .toLowerCase()
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
