import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DownloadProgress } from "../../src/core/program-update.ts";
import { programUpdates, type RunningProgram } from "../../src/upgrade/program-updates.ts";
import { withFolderBeside } from "../../src/upgrade/replace-program.ts";
import { type ReleaseServer, releaseServer, standIn, thisTarget } from "../support/release-server.ts";

const signal = AbortSignal.timeout(60_000);
const archive = `cortex-1.1.0-${thisTarget}.tar.gz`;

/** A program of version 1.0.0, in a folder of its own. */
let folder: string;
let executable: string;
let releases: ReleaseServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  executable = join(folder, "cortex");
  await writeFile(executable, standIn("1.0.0"));
  await chmod(executable, 0o750);
  releases = await releaseServer();
});

afterEach(async () => {
  await releases[Symbol.asyncDispose]();
  await chmod(folder, 0o755);
  await rm(folder, { recursive: true });
});

const updates = (changes: Partial<RunningProgram> = {}) =>
  programUpdates({
    running: {
      version: "1.0.0",
      executable,
      isPackaged: true,
      platform: process.platform,
      architecture: process.arch,
      ...changes,
    },
    variables: { CORTEX_RELEASES_URL: releases.url },
  });

const install = (version: string, onProgress: (progress: DownloadProgress) => void = () => {}) =>
  updates().install(version, onProgress, signal);

const expectUnchanged = async () => {
  expect(await readFile(executable, "utf8")).toBe(standIn("1.0.0"));
  expect(await readdir(folder)).toEqual(["cortex"]);
};

describe.skipIf(process.platform === "win32")("another version", () => {
  test("takes the place of the program, with its mode, and leaves nothing else behind", async () => {
    await releases.add("1.1.0", standIn("1.1.0"));
    expect(await updates().newest(signal)).toBe("1.1.0");
    const seen: DownloadProgress[] = [];
    await install("1.1.0", (progress) => seen.push(progress));
    expect(await readFile(executable, "utf8")).toBe(standIn("1.1.0"));
    expect((await stat(executable)).mode & 0o777).toBe(0o750);
    expect(await readdir(folder)).toEqual(["cortex"]);
    expect(seen.at(-1)!.bytes).toBe(seen.at(-1)!.totalBytes);
  });

  test("takes the place of what a symbolic link leads to, and the link stays", async () => {
    await releases.add("1.1.0", standIn("1.1.0"));
    const bin = join(folder, "bin");
    await mkdir(bin);
    await symlink(executable, join(bin, "cortex"));
    await updates({ executable: join(bin, "cortex") }).install("1.1.0", () => {}, signal);
    expect(await readFile(executable, "utf8")).toBe(standIn("1.1.0"));
    expect((await readdir(bin, { withFileTypes: true })).map((entry) => entry.isSymbolicLink())).toEqual([true]);
  });

  test("may be an older one", async () => {
    await releases.add("0.9.0", standIn("0.9.0"));
    await releases.add("1.1.0", standIn("1.1.0"));
    await install("0.9.0");
    expect(await readFile(executable, "utf8")).toBe(standIn("0.9.0"));
  });

  test("that is not what its checksum says changes nothing", async () => {
    await releases.add("1.1.0", standIn("1.1.0"));
    await releases.spoil(`download/v1.1.0/${archive}`);
    await expect(install("1.1.0")).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}/);
    await expectUnchanged();
  });

  test("that does not start, or says another version, changes nothing", async () => {
    await releases.add("1.1.0", "#!/bin/sh\necho no such library >&2\nexit 127\n");
    await expect(install("1.1.0")).rejects.toMatchObject({ details: "no such library", hint: "nothing was changed" });
    await releases.add("1.2.0", standIn("1.1.0"));
    await expect(install("1.2.0")).rejects.toMatchObject({ details: "cortex 1.1.0" });
    await expectUnchanged();
  });

  test("that there is none of changes nothing, and the address is said", async () => {
    await expect(install("7.0.0")).rejects.toThrow(`cannot download ${releases.url}/download/v7.0.0/SHA256SUMS: 404`);
    await releases.add("1.1.0", standIn("1.1.0"), "plan9-x64");
    await expect(install("1.1.0")).rejects.toThrow(`release 1.1.0 has no program for ${thisTarget}`);
    await expect(updates().newest(signal)).rejects.toThrow(`the newest release has no program for ${thisTarget}`);
    await expectUnchanged();
  });

  test("whose archive holds no program changes nothing", async () => {
    await releases.add("1.1.0", standIn("1.1.0"));
    const text = "not an archive";
    const sha256 = (await import("node:crypto")).createHash("sha256").update(text).digest("hex");
    await writeFile(join(releases.folder, `download/v1.1.0/${archive}`), text);
    await writeFile(join(releases.folder, "download/v1.1.0/SHA256SUMS"), `${sha256}  ${archive}\n`);
    await expect(install("1.1.0")).rejects.toThrow(/cannot unpack .*\.tar\.gz/);
    await expectUnchanged();
  });

  test("is not put in place once the command was interrupted", async () => {
    await releases.add("1.1.0", standIn("1.1.0"));
    const controller = new AbortController();
    const interrupted = updates().install("1.1.0", () => controller.abort(new Error("interrupted")), controller.signal);
    await expect(interrupted).rejects.toThrow("interrupted");
    await expectUnchanged();
  });

  test("may be installed twice at once: the program is whole whenever it is looked at", async () => {
    await releases.add("1.1.0", standIn("1.1.0"));
    await Promise.all([install("1.1.0"), install("1.1.0")]);
    expect(await readFile(executable, "utf8")).toBe(standIn("1.1.0"));
    expect(await readdir(folder)).toEqual(["cortex"]);
  });

  test.skipIf(process.getuid?.() === 0)(
    "is refused where the folder may not be written, before anything is asked",
    async () => {
      await chmod(folder, 0o555);
      await expect(install("1.1.0")).rejects.toMatchObject({ code: "NOT_WRITABLE" });
      expect(releases.asked).toEqual([]);
    },
  );

  test.each([
    ["Cellar/cortex/1.0.0/bin", "installed by Homebrew, which also upgrades it", "brew update && brew upgrade cortex"],
    ["lib/node_modules/x/cortex", "installed by npm", "npm install -g"],
  ])("is refused in %s: it was %s", async (place, message, hint) => {
    await mkdir(join(folder, place), { recursive: true });
    const there = join(folder, place, "cortex");
    await writeFile(there, standIn("1.0.0"));
    const refused = updates({ executable: there }).install("1.1.0", () => {}, signal);
    await expect(refused).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(releases.asked).toEqual([]);
  });

  test("is refused for sources", async () => {
    const refused = updates({ isPackaged: false }).install("1.1.0", () => {}, signal);
    await expect(refused).rejects.toMatchObject({ code: "NOT_SUPPORTED", hint: expect.stringContaining("git pull") });
  });
});

describe("the folder that a new program is made in", () => {
  const beside = (work: (folder: string) => Promise<void>) => withFolderBeside(executable, work);

  test("is removed at the end; so is what a process left there that is gone, and nothing else", async () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    const others = [
      `.cortex-upgrade-${process.pid}-abcdef`,
      ".cortex-upgrade-mine",
      `.cortex-upgrade-${pid}-abcdef.txt`,
    ];
    for (const name of [`.cortex-upgrade-${pid}-abcdef`, ...others]) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "cortex"), "half");
    }
    await beside(async (made) => expect(await readdir(made)).toEqual([]));
    expect((await readdir(folder)).toSorted()).toEqual([...others, "cortex"].toSorted());
  });

  test.each([
    ["ENOSPC", "DISK_FULL", "free some space"],
    ["EACCES", "NOT_WRITABLE", "or install another one into a folder of yours"],
    ["EROFS", "NOT_WRITABLE", "install another one into a folder of yours"],
  ])("tells by %s that the error is %s, and what to do: %s", async (system, code, hint) => {
    const failing = beside(() => Promise.reject(Object.assign(new Error(system), { code: system })));
    await expect(failing).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) });
    await expectUnchanged();
  });
});

describe("on Windows", () => {
  test("the old program is moved aside, since it runs, and what was aside is removed", async () => {
    await releases.add("1.1.0", standIn("1.1.0"), "win-x64");
    const program = join(folder, "cortex.exe");
    await writeFile(program, standIn("1.0.0"), { mode: 0o755 });
    await writeFile(join(folder, "cortex.exe.1234abcd.old"), "older");
    // These are not ours.
    const others = [
      "cortex.exe.backup.old",
      "cortex.exe.1234ABCD.old",
      "cortex.exe.1234abcd.old.txt",
      "x.1234abcd.old",
    ];
    for (const name of others) await writeFile(join(folder, name), "the user's");
    await updates({ executable: program, platform: "win32", architecture: "x64" }).install("1.1.0", () => {}, signal);
    expect(await readFile(program, "utf8")).toBe(standIn("1.1.0"));
    expect((await readdir(folder)).toSorted()).toEqual(["cortex", "cortex.exe", ...others].toSorted());
  });
});
