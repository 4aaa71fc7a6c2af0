import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blobStore } from "../../src/image/layers/blob-store.ts";
import { readTar, type TarMember } from "../../src/image/layers/tar-reader.ts";
import { type TarEntry, withFolders } from "../../src/image/layers/tar-writer.ts";
import { digestOf } from "./support/registry.ts";
import { file, noAbort, tarOf } from "./support/scene.ts";

const members: readonly TarEntry[] = withFolders([
  file("a/b.py", "print()\n"),
  file("a/run.sh", "#!/bin/sh\n", true),
  { type: "symlink", path: "a/link", target: "b.py" } as TarEntry,
  file(`deep/${"folder/".repeat(30)}file`, "deep"),
  file("größe/模型.bin", Buffer.alloc(700, 7)),
]) as TarEntry[];

async function list(archive: Buffer, chunkBytes = 97): Promise<{ member: TarMember; content: Buffer }[]> {
  const found: { member: TarMember; content: Buffer }[] = [];
  for await (const member of readTar(inChunks(archive, chunkBytes))) {
    found.push({ member, content: member.type === "file" ? await member.read() : Buffer.alloc(0) });
  }
  return found;
}

async function* inChunks(archive: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < archive.length; at += bytes) yield archive.subarray(at, at + bytes);
}

async function* each(entries: readonly TarEntry[]): AsyncGenerator<TarEntry> {
  yield* entries;
}

describe("a tar archive", () => {
  test("has the same bytes everywhere", async () => {
    expect(digestOf(await tarOf(members))).toBe(
      "sha256:b410c8910454c950a19e8ee7b004e8d7518212b3a1a271a279164105ce697306",
    );
  });

  test("is what tar itself reads: owners, modes, times, long names and those of other alphabets", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cortex-tar-"));
    try {
      await writeFile(join(folder, "a.tar"), await tarOf(members));
      const options = { cwd: folder, env: { ...process.env, TZ: "UTC", LC_ALL: "C.UTF-8" } };
      const { stdout } = await promisify(execFile)("tar", ["--numeric-owner", "-tvf", "a.tar"], options);
      expect(stdout).toContain("-rw-r--r-- 1000/1000         8 1970-01-01 00:00 a/b.py");
      expect(stdout).toContain("-rwxr-xr-x 1000/1000        10 1970-01-01 00:00 a/run.sh");
      expect(stdout).toContain("a/link -> b.py");
      expect(stdout).toContain(`deep/${"folder/".repeat(30)}file`);
      await promisify(execFile)("tar", ["-xf", "a.tar"], options);
      expect(await readdir(join(folder, "größe"))).toEqual(["模型.bin"]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("says the size of files that its usual field has no room for", async () => {
    const bytes = 9 * 2 ** 30;
    const huge: TarEntry = { type: "file", path: "huge", bytes, executable: false, open: () => [] };
    await expect(tarOf([huge])).rejects.toThrow(`huge has 0 bytes, not ${bytes}`);
  });

  test("is read again as it was written, in whatever pieces it comes", async () => {
    const path = fc.stringMatching(/^[a-zé模]{1,60}(\/[a-z .]{1,90}x){0,4}$/u);
    const content = fc.uint8Array({ maxLength: 1_500 });
    const files = fc.uniqueArray(fc.tuple(path, content), { maxLength: 6, selector: ([name]) => name });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 2_000 }), async (written, chunkBytes) => {
        const archive = await tarOf(written.map(([name, bytes]) => file(name, Buffer.from(bytes))));
        const read = await list(archive, chunkBytes);
        expect(read.map((one) => [one.member.path, [...one.content]])).toEqual(
          written.map(([name, bytes]) => [name, [...bytes]]),
        );
      }),
      { numRuns: 40 },
    );
  });

  test.each(["ustar", "gnu", "pax"])("of tar's own format %s is read", async (format) => {
    const folder = await mkdtemp(join(tmpdir(), "cortex-tar-"));
    try {
      const name = `${"long".repeat(40)}.txt`;
      await writeFile(join(folder, format === "ustar" ? "short" : name), "content");
      const { stdout } = await promisify(execFile)("tar", [`--format=${format}`, "-c", "."], {
        cwd: folder,
        encoding: "buffer",
      });
      const read = await list(stdout);
      expect(read.map(({ member }) => member.path)).toContain(format === "ustar" ? "short" : name);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("that ends early, or is none, is refused", async () => {
    const archive = await tarOf([file("a", "x".repeat(2_000))]);
    await expect(list(archive.subarray(0, 1_000))).rejects.toThrow("ends early");
    await expect(list(Buffer.from("x".repeat(512)))).rejects.toThrow("not a tar");
  });
});

describe("the store of layers", () => {
  async function withHome(use: (home: string) => Promise<void>): Promise<void> {
    const home = await mkdtemp(join(tmpdir(), "cortex-store-"));
    try {
      await use(home);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  }
  const key = "ab".repeat(32);

  test("compresses to the same bytes everywhere, for this user alone", () =>
    withHome(async (home) => {
      const layer = await blobStore(home).layer(key, () => each(members), noAbort);
      expect(layer).toEqual({
        digest: "sha256:f968ee941c62a81009081c0c4b0c19dc5ac8509227e69a5cb83845b3c86f90c9",
        diffId: "sha256:b410c8910454c950a19e8ee7b004e8d7518212b3a1a271a279164105ce697306",
        bytes: 708,
      });
      const blob = join(home, "images/blobs", layer.digest.replace(":", "-"));
      expect((await stat(blob)).mode & 0o777).toBe(0o600);
      expect((await stat(join(home, "images/blobs"))).mode & 0o777).toBe(0o700);
      expect(digestOf(await readFile(blob))).toBe(layer.digest);
    }));

  test("makes a layer once, also when two want it at once", () =>
    withHome(async (home) => {
      let made = 0;
      const make = () => {
        made += 1;
        return each(members);
      };
      const stores = [blobStore(home), blobStore(home), blobStore(home)];
      const layers = await Promise.all(stores.map((store) => store.layer(key, make, noAbort)));
      expect(new Set(layers.map(({ digest }) => digest)).size).toBe(1);
      expect(made).toBe(1);
    }));

  test("leaves nothing behind when making a layer fails, or is aborted", () =>
    withHome(async (home) => {
      const store = blobStore(home);
      const failing = async function* (): AsyncGenerator<TarEntry> {
        yield file("a", Buffer.alloc(3_000_000, 1));
        throw new Error("it went wrong");
      };
      await expect(store.layer(key, failing, noAbort)).rejects.toThrow("it went wrong");
      const controller = new AbortController();
      const endless = async function* (): AsyncGenerator<TarEntry> {
        for (let index = 0; ; index += 1) {
          if (index === 3) controller.abort(new Error("enough"));
          yield file(`f${index}`, Buffer.alloc(1_000_000, index));
        }
      };
      await expect(store.layer(key, endless, controller.signal)).rejects.toThrow("enough");
      expect(await readdir(join(home, "images/blobs"))).toEqual([]);
      expect(await store.find(key)).toBeUndefined();
    }));

  test("removes what was not used for longest, and nothing that was used within the hour", () =>
    withHome(async (home) => {
      const store = blobStore(home, 2_500_000);
      const layers = [];
      for (let index = 0; index < 4; index += 1) {
        const content = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => (at * 7919 * (index + 1)) >> 5));
        layers.push(await store.layer(`${index}`.repeat(64), () => each([file("data", noise(content))]), noAbort));
      }
      const path = (digest: string) => join(home, "images/blobs", digest.replace(":", "-"));
      await store.collect();
      expect(await readdir(join(home, "images/blobs"))).toHaveLength(4);
      for (const [index, { digest }] of layers.entries()) {
        const old = new Date(Date.now() - (10 - index) * 3_600_000);
        await utimes(path(digest), old, old);
      }
      await store.touch([layers[0]!.digest]);
      await store.collect();
      expect(await store.find("1".repeat(64))).toBeUndefined();
      expect(await store.find("2".repeat(64))).toBeUndefined();
      expect(await store.find("0".repeat(64))).toBeDefined();
      expect(await store.find("3".repeat(64))).toBeDefined();
    }));
});

/** What cannot be compressed. */
function noise(seed: Buffer): Buffer {
  let state = seed.readUInt32LE(16) | 1;
  return seed.map(() => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  }) as Buffer;
}
