import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makePrivateFolder, writeAtomically } from "../../src/platform/files.ts";

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "cortex-files-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

describe("a private folder", () => {
  test("is made with all that leads to it, for its owner alone, also by several at once", async () => {
    await using folder = await temporaryFolder();
    const wanted = join(folder.path, "a/b/c");
    await Promise.all(Array.from({ length: 5 }, () => makePrivateFolder(wanted)));
    expect((await stat(wanted)).mode & 0o777).toBe(0o700);
    await makePrivateFolder(wanted);
  });

  test("that is a link to one is taken as it is", async () => {
    await using folder = await temporaryFolder();
    await makePrivateFolder(join(folder.path, "real"));
    await symlink(join(folder.path, "real"), join(folder.path, "link"));
    await makePrivateFolder(join(folder.path, "link/inside"));
    expect(await readdir(join(folder.path, "real"))).toEqual(["inside"]);
  });

  test("below a file is refused by name", async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, "file"), "");
    const refusal = expect.objectContaining({ code: "NOT_WRITABLE", message: expect.stringContaining("file") });
    await expect(makePrivateFolder(join(folder.path, "file"))).rejects.toEqual(refusal);
    await expect(makePrivateFolder(join(folder.path, "file/below"))).rejects.toEqual(refusal);
  });

  test.runIf(process.platform === "linux")(
    "where the kernel makes all folders is refused, and does not take for ever",
    async () => {
      await expect(makePrivateFolder("/proc/nowhere/cortex/home")).rejects.toEqual(
        expect.objectContaining({ code: "NOT_WRITABLE" }),
      );
    },
  );
});

test("a file is written whole or not at all, for its owner alone", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "state/one.json");
  await Promise.all(["1", "2", "3"].map((text) => writeAtomically(file, text.repeat(100_000))));
  const text = await readFile(file, "utf8");
  expect(new Set(text).size).toBe(1);
  expect(text).toHaveLength(100_000);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder.path, "state"))).toEqual(["one.json"]);
});
