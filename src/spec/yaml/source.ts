import type { Location } from "../../core/errors.ts";

/** A file that was read: its text without a byte order mark, and where each offset of it stands. */
export interface Source {
  readonly file: string;
  readonly text: string;
  locate(offset: number): Location;
}

/** A line longer than this is left out of a location: nobody could read it below a message. */
const longestShownLine = 400;

export function createSource(file: string, text: string): Source {
  const lineStarts = findLineStarts(text);
  return {
    file,
    text,
    locate(offset) {
      const index = lastAtOrBelow(lineStarts, Math.min(Math.max(offset, 0), text.length));
      const start = lineStarts[index] ?? 0;
      const end = (lineStarts[index + 1] ?? text.length + 1) - 1;
      const line = text.slice(start, end).replace(/\r$/, "");
      return {
        file,
        line: index + 1,
        column: Math.min(offset, end) - start + 1,
        ...(line.length <= longestShownLine && { text: line }),
      };
    },
  };
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** @returns the index of the last of the ascending `numbers` that is not above `wanted` */
function lastAtOrBelow(numbers: readonly number[], wanted: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (numbers[middle]! <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}
