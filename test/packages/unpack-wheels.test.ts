import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { unpackOnce } from "../../src/packages/unpack-wheels.ts";
import { temporaryFolder } from "../project/folder.ts";
import { makeWheel } from "./make-wheel.ts";

const run = promisify(execFile);

test("a disk that is full is named each time, and nothing half unpacked stays", async (context) => {
  await using folder = await temporaryFolder();
  const disk = join(folder.path, "disk");
  await mkdir(disk);
  const files = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [`many/${n % 8}/m${n}.py`, "x".repeat(1_000)]),
  );
  const { file, sha256 } = await makeWheel(folder.path, "many", "1.0", files);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=200k", "tmpfs", disk]);
  } catch {
    return context.skip("no small disk can be made here: mount needs root");
  }
  try {
    for (let tried = 0; tried < 10; tried += 1) {
      const wheels = [{ path: join(folder.path, file), sha256 }];
      const unpacked = unpackOnce(join(disk, "unpacked", "set"), wheels, AbortSignal.timeout(60_000));
      await expect(unpacked).rejects.toMatchObject({ code: "DISK_FULL", message: expect.stringContaining(disk) });
      expect((await readdir(join(disk, "unpacked"))).filter((name) => !name.endsWith(".lock"))).toEqual([]);
    }
  } finally {
    await run("umount", [disk]);
  }
});
