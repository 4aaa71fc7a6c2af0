import { describe, expect, test } from "vitest";
import { EventHistory, merge, untilAborted } from "../../src/core/streams.ts";

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(source);
}

async function* counting(values: readonly number[]): AsyncGenerator<number> {
  yield* values;
}

describe("merge", () => {
  test("yields everything, each source in its own order", async () => {
    const merged = await collect(merge([counting([1, 2, 3]), counting([10, 20]), counting([])]));
    expect(merged.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 10, 20]);
    expect(merged.filter((value) => value < 10)).toEqual([1, 2, 3]);
  });

  test("a source that throws ends it, and the others are closed", async () => {
    let isClosed = false;
    async function* endless() {
      try {
        for (let value = 0; ; value += 1) {
          yield value;
          await new Promise(setImmediate);
        }
      } finally {
        isClosed = true;
      }
    }
    async function* failing(): AsyncGenerator<number> {
      yield 0;
      throw new Error("broken");
    }
    await expect(collect(merge([endless(), failing()]))).rejects.toThrow("broken");
    expect(isClosed).toBe(true);
  });
});

describe("EventHistory", () => {
  test("a reader that comes late gets everything from the beginning", async () => {
    const history = new EventHistory<number>();
    history.push(1);
    history.push(2);
    history.end();
    expect(await collect(history.read(AbortSignal.abort("unused")))).toEqual([1, 2]);
  });

  test("readers wait for what comes, and throw how it failed after the last event", async () => {
    const history = new EventHistory<number>();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const value of history.read(new AbortController().signal)) seen.push(value);
    })();
    history.push(1);
    await new Promise(setImmediate);
    history.push(2);
    history.end(new Error("failed"));
    await expect(reading).rejects.toThrow("failed");
    expect(seen).toEqual([1, 2]);
  });

  test("what comes after the end is dropped", async () => {
    const history = new EventHistory<number>();
    history.push(1);
    history.end();
    history.push(2);
    expect(await collect(history.read(new AbortController().signal))).toEqual([1]);
  });

  test("an aborted reader stops waiting", async () => {
    const abort = new AbortController();
    const reading = collect(new EventHistory<number>().read(abort.signal));
    abort.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
});

test("untilAborted passes a value on and leaves no listener behind", async () => {
  const { signal } = new AbortController();
  expect(await untilAborted(Promise.resolve("value"), signal)).toBe("value");
});
