import { type FileHandle, open } from "node:fs/promises";
import type { LogLine } from "../../../core/environment.ts";
import { parseLine, timeOf } from "./log-line.ts";

const blockBytes = 64 * 1024;

/** Part of one file, from the start of a line to the end of one, in bytes. */
export interface Stretch {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Yields the lines of `stretches` in order, some at a time; bytes that make no line, and files that are gone, are skipped.
 * @param sinceMs lines before it are skipped unparsed
 */
export async function* readForward(stretches: readonly Stretch[], sinceMs: number): AsyncGenerator<LogLine[]> {
  for (const { path, from, to } of stretches) {
    if (from >= to) continue;
    await using file = await openIfThere(path);
    if (!file) continue;
    let rest: Buffer = Buffer.alloc(0);
    for (let position = from; position < to; ) {
      const block = await readBlock(file.handle, position, Math.min(blockBytes, to - position));
      if (block.length === 0) break;
      position += block.length;
      const end = block.lastIndexOf(0x0a) + 1;
      if (end === 0) {
        rest = Buffer.concat([rest, block]);
        continue;
      }
      const lines = parseLines(Buffer.concat([rest, block.subarray(0, end)]), sinceMs);
      rest = Buffer.from(block.subarray(end));
      if (lines.length > 0) yield lines;
    }
  }
}

/** As `readForward`, from the last line to the first; ends at the first line before `sinceMs`. */
export async function* readBackward(stretches: readonly Stretch[], sinceMs: number): AsyncGenerator<LogLine[]> {
  for (const { path, from, to } of stretches.toReversed()) {
    if (from >= to) continue;
    await using file = await openIfThere(path);
    if (!file) continue;
    let rest: Buffer = Buffer.alloc(0);
    for (let position = to; position > from; ) {
      const bytes = Math.min(blockBytes, position - from);
      position -= bytes;
      const block = await readBlock(file.handle, position, bytes);
      if (block.length < bytes) break;
      const joined = Buffer.concat([block, rest]);
      // The first line may have begun in the block before.
      const start = position === from ? 0 : joined.indexOf(0x0a) + 1;
      rest = Buffer.from(joined.subarray(0, start));
      const all = joined.subarray(start);
      const lines = parseLines(all, sinceMs).reverse();
      if (lines.length > 0) yield lines;
      const time = timeOf(all.toString("latin1", 0, 32));
      if (time > 0 && time < sinceMs) return;
    }
  }
}

/** @returns the byte after the last line break between `from` and `to`, `from` when there is none */
export async function endOfLines(path: string, from: number, to: number): Promise<number> {
  await using file = await openIfThere(path);
  for (let end = to; file && end > from; ) {
    const start = Math.max(from, end - blockBytes);
    const block = await readBlock(file.handle, start, end - start);
    const found = block.lastIndexOf(0x0a);
    if (found >= 0) return start + found + 1;
    end = start;
  }
  return from;
}

function parseLines(bytes: Buffer, sinceMs: number): LogLine[] {
  const lines: LogLine[] = [];
  for (const text of bytes.toString().split("\n")) {
    if (sinceMs > 0 && timeOf(text) < sinceMs) continue;
    const line = parseLine(text);
    if (line) lines.push(line);
  }
  return lines;
}

async function readBlock(handle: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(bytes), 0, bytes, position);
  return buffer.subarray(0, bytesRead);
}

async function openIfThere(path: string): Promise<({ readonly handle: FileHandle } & AsyncDisposable) | undefined> {
  try {
    const handle = await open(path, "r");
    return { handle, [Symbol.asyncDispose]: () => handle.close() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Merges sources that are each in order of time into one, holding no more than one batch of each.
 * @param direction 1 for oldest first, -1 for newest first
 */
export async function* mergeByTime(
  sources: readonly AsyncGenerator<LogLine[]>[],
  direction: 1 | -1,
): AsyncGenerator<LogLine> {
  const cursors: { source: AsyncGenerator<LogLine[]>; lines: LogLine[]; next: number }[] = [];
  const advance = async (cursor: (typeof cursors)[number]): Promise<boolean> => {
    const { value, done } = await cursor.source.next();
    cursor.lines = done ? [] : value;
    cursor.next = 0;
    return !done;
  };
  try {
    for (const source of sources) {
      const cursor = { source, lines: [], next: 0 };
      if (await advance(cursor)) cursors.push(cursor);
    }
    while (cursors.length > 0) {
      let first = cursors[0]!;
      for (const cursor of cursors) {
        if ((cursor.lines[cursor.next]!.time - first.lines[first.next]!.time) * direction < 0) first = cursor;
      }
      yield first.lines[first.next++]!;
      if (first.next === first.lines.length && !(await advance(first))) cursors.splice(cursors.indexOf(first), 1);
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)));
  }
}
