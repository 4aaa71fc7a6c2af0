import { appendFile, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { LogLine, LogOptions } from "../../../../src/core/environment.ts";
import { createLogStore, type LogStore } from "../../../../src/environments/local/logs/log-store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const longEnough = { timeout: 60_000, interval: 20 };
const noAbort = new AbortController().signal;
const now = (options: Partial<LogOptions> = {}): LogOptions => ({ follow: false, previous: false, ...options });

async function read(store: LogStore, options: Partial<LogOptions> = {}): Promise<LogLine[]> {
  return Array.fromAsync(store.read("iris", now(options), noAbort));
}

const texts = (lines: readonly LogLine[]): string[] => lines.map((line) => line.text);
const access = (path: string, replica?: string) => ({
  time: Date.now(),
  api: "iris",
  ...(replica && { replica, revision: 1 }),
  method: "POST",
  path,
  status: 200,
  ms: 1.234,
  requestId: "r1",
});

describe("the log of a replica", () => {
  test("is one JSON object per line on disk, readable by its owner alone", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path });
    const sink = store.sink("iris", 3, "r1");
    sink.write("stdout", Buffer.from('say "hi"\nunfinished'));
    sink.write("stderr", Buffer.from("oh\n"));
    await store.close();
    const file = join(folder.path, "iris", "3.r1.1.jsonl");
    const lines = (await readFile(file, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { time: expect.any(Number), api: "iris", revision: 3, replica: "r1", stream: "stdout", text: 'say "hi"' },
      { time: expect.any(Number), api: "iris", revision: 3, replica: "r1", stream: "stderr", text: "oh" },
    ]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("ends with the line that had no break", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path });
    const sink = store.sink("iris", 1, "r1");
    sink.write("stdout", Buffer.from("last words"));
    await sink.close();
    expect(texts(await read(store))).toEqual(["last words"]);
  });

  test("takes no more room than its files may", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path, maxFileBytes: 2_000, maxFiles: 3 });
    const sink = store.sink("iris", 1, "r1");
    for (let line = 0; line < 500; line += 1) sink.write("stdout", Buffer.from(`line ${line}\n`));
    await sink.close();
    const files = await readdir(join(folder.path, "iris"));
    expect(files.length).toBe(3);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder.path, "iris", file))).size));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000);
    const kept = texts(await read(store));
    expect(kept.at(-1)).toBe("line 499");
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `line ${500 - kept.length + index}`));
  });

  test("asks the writer to pause while the disk is behind, and says when to go on", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path, maxFileBytes: 100_000_000 });
    const sink = store.sink("iris", 1, "r1");
    const chunk = Buffer.from(`${"x".repeat(999)}\n`.repeat(64));
    let pauses = 0;
    for (let count = 0; count < 100; count += 1) {
      if (sink.write("stdout", chunk)) continue;
      pauses += 1;
      await sink.drained();
    }
    await sink.close();
    expect(pauses).toBeGreaterThan(0);
    expect((await read(store)).length).toBe(6_400);
  });

  test("remembers its last lines without the disk", async () => {
    await using folder = await temporaryFolder();
    const sink = createLogStore({ folder: folder.path }).sink("iris", 1, "r1");
    sink.write("stdout", Buffer.from("one\ntwo\nthree\n"));
    sink.system("stopped");
    expect(texts(sink.tail(2))).toEqual(["three", "stopped"]);
    expect(sink.tail(0)).toEqual([]);
    await sink.close();
  });

  test("remembers no more than some text, however much is printed", async () => {
    await using folder = await temporaryFolder();
    const sink = createLogStore({ folder: folder.path }).sink("iris", 1, "r1");
    for (let line = 0; line < 40; line += 1) sink.write("stdout", Buffer.from(`${"x".repeat(60_000)}\n`));
    expect(sink.tail(1_000).length).toBe(4);
    await sink.close();
  });

  test("ends nobody when it cannot be written, and says once what was lost", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "iris"), "in the way of the folder");
    const store = createLogStore({ folder: folder.path });
    const sink = store.sink("iris", 1, "r1");
    for (let line = 0; line < 3; line += 1) {
      sink.write("stdout", Buffer.from(`line ${line}\n`));
      await vi.waitFor(() => expect(texts(sink.tail(9)).join()).toContain("being lost"), longEnough);
    }
    await sink.close();
    expect(texts(sink.tail(9)).filter((text) => text.includes("being lost")).length).toBe(1);
  });
});

describe("reading logs", () => {
  test("merges replicas by time and skips what a crash cut off", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path });
    const one = store.sink("iris", 1, "one");
    const two = store.sink("iris", 1, "two");
    const line = (replica: string, time: number) =>
      `${JSON.stringify({ time, api: "iris", revision: 1, replica, stream: "stdout", text: `${replica} ${time}` })}\n`;
    one.system("made");
    two.system("made");
    await read(store);
    const file = (replica: string) => join(folder.path, "iris", `1.${replica}.1.jsonl`);
    await writeFile(file("one"), `${line("one", 1)}${line("one", 4)}{"time":5,"api":"ir`);
    await writeFile(file("two"), `garbage\n${line("two", 2)}${line("two", 3)}`);
    expect(texts(await read(store))).toEqual(["one 1", "two 2", "two 3", "one 4"]);
    expect(texts(await read(store, { tail: 3 }))).toEqual(["two 2", "two 3", "one 4"]);
    expect(texts(await read(store, { sinceMs: 3 }))).toEqual(["two 3", "one 4"]);
    expect(texts(await read(store, { sinceMs: 3, tail: 10 }))).toEqual(["two 3", "one 4"]);
    expect(texts(await read(store, { replica: "two" }))).toEqual(["two 2", "two 3"]);
    await store.close();
  });

  test("goes on after a line that a crash cut off", async () => {
    await using folder = await temporaryFolder();
    const before = createLogStore({ folder: folder.path });
    before.access(access("/before"));
    await before.close();
    await appendFile(join(folder.path, "iris", "access.1.jsonl"), '{"time":17');
    const store = createLogStore({ folder: folder.path });
    store.access(access("/after"));
    expect(texts(await read(store))).toEqual(["POST /before 200 1.23ms r1", "POST /after 200 1.23ms r1"]);
    await store.close();
  });

  test("from the end gives the same lines as from the start", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path, maxFileBytes: 300_000 });
    const sink = store.sink("iris", 1, "r1");
    for (let line = 0; line < 3_000; line += 1) {
      sink.write("stdout", Buffer.from(`${line} ${"é".repeat((line * 37) % 500)}\n`));
    }
    sink.write("stdout", Buffer.from(`${"long".repeat(16_000)}\n`));
    const all = texts(await read(store));
    for (const tail of [1, 2, 100, 2_999]) {
      const last = texts(await read(store, { tail }));
      expect(last).toEqual(all.slice(-tail));
    }
    await store.close();
  });

  test("shows those that run, with `previous` those that are gone", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path });
    const old = store.sink("iris", 1, "old");
    old.system("old words");
    store.access(access("/old", "old"));
    await old.close();
    expect(texts(await read(store))).toEqual(["old words", "POST /old 200 1.23ms r1"]);
    const young = store.sink("iris", 2, "young");
    young.system("new words");
    store.access(access("/new", "young"));
    store.access(access("/nobody"));
    const seen = texts(await read(store)).toSorted();
    expect(seen).toEqual(["POST /new 200 1.23ms r1", "POST /nobody 200 1.23ms r1", "new words"]);
    expect(texts(await read(store, { previous: true }))).toEqual(["old words", "POST /old 200 1.23ms r1"]);
    await store.close();
  });

  test("keeps the lines that match, and refuses a pattern that is wrong or never ends", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path });
    const sink = store.sink("iris", 1, "r1");
    sink.write("stdout", Buffer.from(`first\nsecond\n${"a".repeat(40)}b\n`));
    expect(texts(await read(store, { grep: "^s" }))).toEqual(["second"]);
    expect(texts(await read(store, { grep: "s", tail: 1 }))).toEqual(["second"]);
    await expect(read(store, { grep: "(" })).rejects.toMatchObject({ code: "USAGE" });
    await expect(read(store, { grep: "^(a+)+$" })).rejects.toMatchObject({ code: "USAGE" });
    await store.close();
  });

  test("follows new lines, new replicas and rotations, each line once", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path, maxFileBytes: 4_000, maxFiles: 200 });
    const one = store.sink("iris", 1, "one");
    one.system("before");
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const line of store.read("iris", now({ follow: true, tail: 1 }), stop.signal)) seen.push(line.text);
    })();
    await vi.waitFor(() => expect(seen).toEqual(["before"]), longEnough);
    const two = store.sink("iris", 2, "two");
    for (let round = 0; round < 200; round += 1) {
      one.system(`one ${round}`);
      two.system(`two ${round}`);
      if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await two.close();
    await vi.waitFor(() => expect(seen.length).toBe(401), longEnough);
    expect(new Set(seen).size).toBe(401);
    expect(seen.filter((text) => text.startsWith("two")).at(-1)).toBe("two 199");
    stop.abort();
    await following;
    await store.close();
  });

  test("ends when the API is removed, and nothing of it is left", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path });
    const sink = store.sink("iris", 1, "one");
    sink.system("before");
    const seen: string[] = [];
    const following = (async () => {
      for await (const line of store.read("iris", now({ follow: true }), noAbort)) seen.push(line.text);
    })();
    await vi.waitFor(() => expect(seen).toEqual(["before"]), longEnough);
    await store.remove("iris");
    await following;
    sink.system("too late");
    await sink.close();
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("keeps the newest of the replicas that are gone", async () => {
    await using folder = await temporaryFolder();
    const store = createLogStore({ folder: folder.path, maxGoneReplicas: 2 });
    for (const replica of ["a", "b", "c", "d"]) {
      const sink = store.sink("iris", 1, replica);
      sink.system(replica);
      await sink.close();
    }
    const last = store.sink("iris", 1, "e");
    last.system("e");
    await vi.waitFor(async () => expect(texts(await read(store, { previous: true })).length).toBe(2), longEnough);
    expect(texts(await read(store))).toEqual(["e"]);
    await store.close();
  });
});
