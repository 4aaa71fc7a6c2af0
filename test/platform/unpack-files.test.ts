import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type PackedFiles, unpackFiles } from "../../src/platform/unpack-files.ts";
import { temporaryFolder } from "../project/folder.ts";

const deflated = deflateRawSync("print('b')\n");
const files: PackedFiles = {
  index: { "runtime/a.py": [0, 3, 0], "runtime/package/b.py": [3, deflated.length, 1] },
  bytes: Buffer.concat([Buffer.from("abc"), deflated]),
};
const signal = () => AbortSignal.timeout(20_000);
const longAgo = new Date(Date.now() - 2 * 3600_000);
const nobody = 2 ** 22 + 1;

/** A build that was unpacked some time ago. */
async function oldBuild(root: string, name: string, user: number): Promise<void> {
  await mkdir(join(root, name, ".users"), { recursive: true });
  await writeFile(join(root, name, ".users", String(user)), "");
  await utimes(join(root, name), longAgo, longAgo);
}

describe("what an executable brings along", () => {
  test("is unpacked once, whole, and for this user alone", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "home", "programs");
    const unpacked = await unpackFiles(root, "build", files, signal());
    expect(await readFile(join(unpacked, "runtime/a.py"), "utf8")).toBe("abc");
    expect(await readFile(join(unpacked, "runtime/package/b.py"), "utf8")).toBe("print('b')\n");
    for (const path of [root, unpacked, join(unpacked, "runtime")]) {
      if (process.platform !== "win32") expect((await stat(path)).mode & 0o777).toBe(0o700);
    }
    await writeFile(join(unpacked, "runtime/a.py"), "kept");
    expect(await unpackFiles(root, "build", files, signal())).toBe(unpacked);
    expect(await readFile(join(unpacked, "runtime/a.py"), "utf8")).toBe("kept");
  });

  test("is unpacked by one of many that want it at the same time", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "programs");
    const all = await Promise.all(Array.from({ length: 8 }, () => unpackFiles(root, "build", files, signal())));
    expect(new Set(all)).toEqual(new Set([join(root, "build")]));
    expect((await readdir(root)).filter((name) => name !== "unpack.lock")).toEqual(["build"]);
  });

  test("goes with its last user, but not while one lives; what was cut short goes, too", async () => {
    await using folder = await temporaryFolder();
    const root = join(folder.path, "programs");
    await oldBuild(root, "unused", nobody);
    await oldBuild(root, "used", process.pid);
    await oldBuild(root, "partial-Ab12", nobody);
    await mkdir(join(root, "young"));
    await unpackFiles(root, "build", files, signal());
    expect((await readdir(root)).filter((name) => name !== "unpack.lock").sort()).toEqual(["build", "used", "young"]);
  });

  test.skipIf(process.getuid?.() === 0 || process.platform === "win32")(
    "cannot be unpacked where nothing may be written, and the error names the place",
    async () => {
      await using folder = await temporaryFolder();
      await chmod(folder.path, 0o500);
      const failed = unpackFiles(join(folder.path, "programs"), "build", files, signal());
      await expect(failed).rejects.toMatchObject({ code: "NOT_WRITABLE" });
      await chmod(folder.path, 0o700);
    },
  );
});
