import type { Location } from "../../core/errors.ts";
import { characterWidth } from "./width.ts";

const tabWidth = 2;

/**
 * The line that `at` names, with a caret under its column, indented by two spaces and in at most `columns` cells: of a longer line
 * what stands around the caret. Empty when the text of the line is not known.
 * @returns lines without their ends
 */
export function codeFrame(at: Location, columns: number): readonly string[] {
  if (at.text === undefined) return [];
  const gutter = `  ${at.line} | `;
  const room = Math.max(20, columns - gutter.length - 1);
  const { cells, caret } = layOut(at.text, at.column - 1);
  const { text, shift } = crop(cells, caret, room);
  return [(gutter + text).trimEnd(), `${" ".repeat(gutter.length - 2)}| ${" ".repeat(caret - shift)}^`];
}

/** One entry per cell of the terminal: a character, or "" for the second half of a wide one. */
interface Cells {
  readonly cells: readonly string[];
  readonly caret: number;
}

function layOut(line: string, caretIndex: number): Cells {
  const cells: string[] = [];
  let caret: number | undefined;
  let index = 0;
  for (const character of line.replace(/[\r\n]+$/, "")) {
    if (caret === undefined && index >= caretIndex) caret = cells.length;
    index += character.length;
    if (character === "\t") cells.push(...Array<string>(tabWidth).fill(" "));
    else if (characterWidth(character) === 0) appendToLast(cells, character);
    else cells.push(character, ...(characterWidth(character) === 2 ? [""] : []));
  }
  return { cells, caret: caret ?? cells.length };
}

/** Accents stay with their letter; control characters are dropped. */
function appendToLast(cells: string[], character: string): void {
  if (cells.length > 0 && !/\p{Cc}/u.test(character)) cells[cells.length - 1] += character;
}

function crop(cells: readonly string[], caret: number, room: number): { text: string; shift: number } {
  if (cells.length <= room && caret < room) return { text: cells.join(""), shift: 0 };
  const start = Math.max(0, Math.min(caret - Math.floor(room / 2), cells.length - room));
  const end = Math.min(cells.length, start + room);
  const kept = cells.slice(start, end);
  if (start > 0) kept[0] = "…";
  if (end < cells.length) kept[kept.length - 1] = "…";
  return { text: kept.join(""), shift: start };
}
