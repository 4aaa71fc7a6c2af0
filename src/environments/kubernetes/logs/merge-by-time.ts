import { compareTimes, type StampedLine } from "./stamped-line.ts";

/** Merges sources that are each in order of time into one that is; reads one line ahead of each. */
export async function* mergeByTime<T extends StampedLine>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  let heads: { readonly line: T; readonly source: AsyncGenerator<T> }[] = [];
  try {
    const first = await Promise.all(sources.map(async (source) => ({ next: await source.next(), source })));
    heads = first.flatMap(({ next, source }) => (next.done ? [] : [{ line: next.value, source }]));
    heads.sort((a, b) => compareTimes(a.line, b.line));
    for (let head = heads.shift(); head; head = heads.shift()) {
      yield head.line;
      const next = await head.source.next();
      if (!next.done) insert(heads, { line: next.value, source: head.source });
    }
  } finally {
    await Promise.allSettled(sources.map((source) => source.return(undefined)));
  }
}

/** Behind all that are not later: a binary search, since most lines come from few sources. */
function insert<T extends { readonly line: StampedLine }>(heads: T[], head: T): void {
  let low = 0;
  let high = heads.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareTimes(heads[middle]!.line, head.line) <= 0) low = middle + 1;
    else high = middle;
  }
  heads.splice(low, 0, head);
}
