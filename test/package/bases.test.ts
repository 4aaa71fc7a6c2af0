import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readArchive } from "../../scripts/package/bases.ts";
import { temporaryFolder } from "../project/folder.ts";

const name = "node-made-up";
const genuine = Buffer.from("what the lock names");
const integrity = `sha512-${createHash("sha512").update(genuine).digest("base64")}`;
const locked = { version: "1.2.3", integrity };
const file = "node-made-up-1.2.3.tgz";
const fetching = (bytes: string | Buffer) => async (wanted: string, folder: string) => {
  expect(wanted).toBe("node-made-up@1.2.3");
  await writeFile(join(folder, file), bytes);
};
const notAsked = () => Promise.reject(new Error("it was there already"));

describe("the Node that an executable is made from", () => {
  test("is fetched once, and kept", async () => {
    await using folder = await temporaryFolder();
    expect(await readArchive(name, locked, fetching(genuine), folder.path)).toEqual(genuine);
    expect(await readArchive(name, locked, notAsked, folder.path)).toEqual(genuine);
    expect(await readdir(folder.path)).toEqual([file]);
  });

  test("is refused, and not kept, when it is not what package-lock.json names", async () => {
    await using folder = await temporaryFolder();
    const refused = readArchive(name, locked, fetching("something else"), folder.path);
    await expect(refused).rejects.toThrow("node-made-up 1.2.3 is not what package-lock.json names");
    expect(await readdir(folder.path)).toEqual([]);
  });

  test("is fetched anew when what was kept was changed since", async () => {
    await using folder = await temporaryFolder({ [file]: "changed" });
    expect(await readArchive(name, locked, fetching(genuine), folder.path)).toEqual(genuine);
    expect(await readFile(join(folder.path, file))).toEqual(genuine);
  });
});

test("entitlements are as Apple asks: a property list without comments, with the two that V8 needs", async () => {
  const text = await readFile(new URL("../../scripts/release/entitlements.plist", import.meta.url), "utf8");
  expect(text).not.toMatch(/<!--|\r|\ufeff/);
  expect([...text.matchAll(/<key>(.*)<\/key>/g)].map(([, key]) => key)).toEqual([
    "com.apple.security.cs.allow-jit",
    "com.apple.security.cs.allow-unsigned-executable-memory",
  ]);
});
