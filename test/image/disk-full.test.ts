import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { blobStore } from "../../src/image/layers/blob-store.ts";
import type { TarEntry } from "../../src/image/layers/tar-writer.ts";
import { noAbort } from "./support/scene.ts";

const run = promisify(execFile);
const key = "ab".repeat(32);

async function* noise(bytes: number): AsyncGenerator<TarEntry> {
  let state = 1;
  const content = Buffer.alloc(bytes).map(() => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  }) as Buffer;
  yield { type: "file", path: "data", bytes, executable: false, open: () => [content] };
}

test("a disk that is full is named, nothing half written stays, and a layer that has room is made then", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "cortex-full-"));
  const home = join(folder, "home");
  await mkdir(home);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", home]);
  } catch {
    await rm(folder, { recursive: true });
    return context.skip("no small disk can be made here: mount needs root");
  }
  try {
    const store = blobStore(home);
    const made = store.layer(key, () => noise(6 << 20), noAbort);
    await expect(made).rejects.toMatchObject({ code: "DISK_FULL", message: expect.stringContaining(home) });
    expect(await readdir(join(home, "images/blobs"))).toEqual([]);
    expect(await store.find(key)).toBeUndefined();
    expect((await store.layer(key, () => noise(1 << 20), noAbort)).bytes).toBeGreaterThan(1 << 20);
  } finally {
    await run("umount", [home]);
    await rm(folder, { recursive: true });
  }
});
