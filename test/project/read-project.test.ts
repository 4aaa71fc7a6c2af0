import { execFileSync } from "node:child_process";
import { chmod, mkdir, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Project } from "../../src/core/environment.ts";
import { type ReadProjectOptions, readProject } from "../../src/project/read-project.ts";
import { temporaryFolder } from "./folder.ts";

const read = (root: string, options: Partial<ReadProjectOptions> = {}): Promise<Project> =>
  readProject(root, { configFile: join(root, "cortex.yaml"), signal: AbortSignal.timeout(20_000), ...options });
const paths = async (root: string, options?: Partial<ReadProjectOptions>) =>
  (await read(root, options)).files.map(({ path }) => path);

describe("what belongs to a project", () => {
  test("every file below the folder of the configuration file, in order, but not that file", async () => {
    await using folder = await temporaryFolder({ "cortex.yaml": "[]", "handler.py": "1", "b/c.txt": "2", "a.txt": "" });
    expect(await paths(folder.path)).toEqual(["a.txt", "b/c.txt", "handler.py"]);
  });

  test("a file says its size, its hash and whether it may be executed", async () => {
    await using folder = await temporaryFolder({ "run.sh": "abc" });
    await chmod(join(folder.path, "run.sh"), 0o755);
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const project = await read(folder.path);
    expect(project.files).toEqual([{ path: "run.sh", bytes: 3, executable: true, sha256 }]);
    expect(project.totalBytes).toBe(3);
  });

  test("hidden files, bytecode, virtual environments, node_modules and debug bundles do not; .env does", async () => {
    await using folder = await temporaryFolder({
      ".env": "A=1",
      ".git/config": "",
      ".hidden": "",
      "sub/.env": "",
      "a.pyc": "",
      "a.pyo": "",
      "__pycache__/a.txt": "",
      "sub/__pycache__/a.txt": "",
      "env/pyvenv.cfg": "",
      "env/lib/x.py": "",
      "node_modules/x/index.js": "",
      "cortex-debug-2020-01-01.tgz": "",
      "a.py": "",
    });
    expect(await paths(folder.path)).toEqual([".env", "a.py"]);
  });

  test("a configuration file with another name is left out, also when it is a link", async () => {
    await using folder = await temporaryFolder({ "production.yaml": "[]", "cortex.yaml": "[]" });
    await symlink("production.yaml", join(folder.path, "live.yaml"));
    expect(await paths(folder.path, { configFile: "live.yaml" })).toEqual(["cortex.yaml"]);
  });

  test("the folder of Cortex's own does not", async () => {
    await using folder = await temporaryFolder({ "state/local/x": "", "a.py": "" });
    expect(await paths(folder.path, { environmentHome: join(folder.path, "state") })).toEqual(["a.py"]);
  });

  test("names with spaces and accents do, in composed form however they are spelled on the disk", async () => {
    await using folder = await temporaryFolder({ "mod\u0065\u0300le final.bin": "x" });
    expect(await paths(folder.path)).toEqual(["mod\u00e8le final.bin"]);
  });

  test("sockets and named pipes do not", async () => {
    await using folder = await temporaryFolder({ "a.py": "" });
    await using server = createServer().listen(join(folder.path, "socket"));
    await new Promise((listening) => server.once("listening", listening));
    execFileSync("mkfifo", [join(folder.path, "pipe")]);
    expect(await paths(folder.path)).toEqual(["a.py"]);
  });
});

describe(".cortexignore", () => {
  test("leaves out what it names, in gitignore's syntax", async () => {
    await using folder = await temporaryFolder({
      ".cortexignore": "\uFEFF# data\r\n*.csv\r\n!keep.csv\r\n/notebooks/\r\nRaw\r\n",
      "a.csv": "",
      "keep.csv": "",
      "notebooks/x.txt": "",
      "sub/notebooks/y.txt": "",
      "raw/z.txt": "",
    });
    expect(await paths(folder.path)).toEqual(["keep.csv", "raw/z.txt", "sub/notebooks/y.txt"]);
  });

  test("can leave out .env and a link that could not be deployed", async () => {
    await using folder = await temporaryFolder({ ".cortexignore": ".env\nlink\n", ".env": "A=1", "a.py": "" });
    await symlink("/etc/hostname", join(folder.path, "link"));
    expect(await paths(folder.path)).toEqual(["a.py"]);
  });
});

describe("symbolic links", () => {
  test("that stay inside become what they lead to, hidden places included", async () => {
    await using folder = await temporaryFolder({ ".cache/ab12": "model", "src/a.py": "" });
    await symlink(".cache/ab12", join(folder.path, "model.bin"));
    await symlink("src", join(folder.path, "alias"));
    const { files } = await read(folder.path);
    expect(files.map(({ path, bytes }) => [path, bytes])).toEqual([
      ["alias/a.py", 0],
      ["model.bin", 5],
      ["src/a.py", 0],
    ]);
  });

  test("that lead outside, nowhere or in circles are refused, all by name", async () => {
    await using folder = await temporaryFolder({ "sub/a.py": "" });
    await symlink("/etc/hostname", join(folder.path, "outside"));
    await symlink("missing", join(folder.path, "nowhere"));
    await symlink("..", join(folder.path, "sub/circle"));
    await symlink("itself", join(folder.path, "itself"));
    const error = await read(folder.path).catch((caught) => caught);
    expect(error).toMatchObject({ code: "PROJECT_INVALID", message: "the project has 4 problems" });
    const messages = error.problems.map(({ message }: { message: string }) => message).sort();
    expect(messages).toEqual([
      "itself: the symbolic link leads nowhere",
      "nowhere: the symbolic link leads nowhere",
      "outside: the symbolic link leads out of the project, to /etc/hostname",
      "sub/circle: the symbolic link leads to a folder that holds it",
    ]);
  });
});

describe("folders that hold everything", () => {
  test.each([
    ["/", "the root of the file system"],
    [homedir(), "your home folder"],
  ])("%s is refused", async (root, reason) => {
    await expect(read(root)).rejects.toMatchObject({
      code: "PROJECT_INVALID",
      message: expect.stringContaining(reason),
      hint: expect.stringContaining("a folder of their own"),
    });
  });

  test("a folder above the home is refused by whatever way it is reached", async () => {
    await using folder = await temporaryFolder({ "users/me/x": "" });
    await using other = await temporaryFolder();
    await symlink(folder.path, join(other.path, "link"));
    const userHome = join(folder.path, "users/me");
    const refused = read(join(other.path, "link"), { userHome });
    await expect(refused).rejects.toMatchObject({ message: expect.stringContaining("holds your home folder") });
  });
});

describe("the digest", () => {
  test("changes with content, name and mode, and with nothing else", async () => {
    await using folder = await temporaryFolder({ "a.py": "1" });
    await using other = await temporaryFolder({ "a.py": "1", "__pycache__/a.pyc": "x" });
    const digests = [(await read(folder.path)).digest];
    expect((await read(other.path)).digest).toBe(digests[0]);
    await folder.write({ "a.py": "2" });
    digests.push((await read(folder.path)).digest);
    await chmod(join(folder.path, "a.py"), 0o755);
    digests.push((await read(folder.path)).digest);
    await rename(join(folder.path, "a.py"), join(folder.path, "b.py"));
    digests.push((await read(folder.path)).digest);
    expect(new Set(digests).size).toBe(4);
  });
});

describe("remembered hashes", () => {
  const oneHourAgo = new Date(Date.now() - 3_600_000);
  const cacheIn = (folder: string) => ({ cacheFile: join(folder, "hashes.json") });

  /** Files get older than the tick of a clock, as on a real disk: their status changes last. */
  const untilSettled = () => new Promise((settled) => setTimeout(settled, 80));

  test("spare reading a file that has not changed", async () => {
    await using folder = await temporaryFolder({ "a.bin": "one" });
    await using home = await temporaryFolder();
    const options = cacheIn(home.path);
    await utimes(join(folder.path, "a.bin"), oneHourAgo, new Date(oneHourAgo.getTime() + 1));
    await untilSettled();
    const first = await read(folder.path, options);
    const cache = JSON.parse(execFileSync("cat", [options.cacheFile], { encoding: "utf8" }));
    const lie = "0".repeat(64);
    cache.projects[0].files["a.bin"][4] = lie;
    await writeFile(options.cacheFile, JSON.stringify(cache));
    const second = await read(folder.path, options);
    expect(first.files[0]!.sha256).not.toBe(lie);
    expect(second.files[0]!.sha256).toBe(lie);
  });

  test("do not survive a change that keeps size and time", async () => {
    await using folder = await temporaryFolder({ "a.bin": "one" });
    await using home = await temporaryFolder();
    const file = join(folder.path, "a.bin");
    await utimes(file, oneHourAgo, oneHourAgo);
    await untilSettled();
    const first = await read(folder.path, cacheIn(home.path));
    await writeFile(file, "two");
    await utimes(file, oneHourAgo, oneHourAgo);
    expect((await read(folder.path, cacheIn(home.path))).digest).not.toBe(first.digest);
  });

  test("are not kept for a file that was written just now", async () => {
    await using folder = await temporaryFolder();
    await using home = await temporaryFolder();
    for (let round = 0; round < 20; round++) {
      await writeFile(join(folder.path, "a.bin"), `${round % 10}`);
      const expected = (await read(folder.path)).digest;
      expect((await read(folder.path, cacheIn(home.path))).digest).toBe(expected);
    }
  });

  test.each(["", "{", "[]", '{"version":1}', '{"version":1,"projects":[{"root":1,"files":{"a":[]}}]}'])(
    "that are nonsense (%s) are forgotten",
    async (nonsense) => {
      await using folder = await temporaryFolder({ "a.bin": "one" });
      await using home = await temporaryFolder({ "hashes.json": nonsense });
      expect(await paths(folder.path, cacheIn(home.path))).toEqual(["a.bin"]);
    },
  );

  test("that cannot be written are no error", async () => {
    await using folder = await temporaryFolder({ "a.bin": "one" });
    await utimes(join(folder.path, "a.bin"), oneHourAgo, oneHourAgo);
    await untilSettled();
    expect(await paths(folder.path, { cacheFile: join(folder.path, "a.bin", "hashes.json") })).toEqual(["a.bin"]);
  });
});

describe("bad luck", () => {
  test("a file that never stands still is named", async () => {
    await using folder = await temporaryFolder({ "growing.bin": Buffer.alloc(40 << 20) });
    const file = join(folder.path, "growing.bin");
    const writing = setInterval(() => void writeFile(file, "x", { flag: "a" }).catch(() => {}), 1);
    try {
      await expect(read(folder.path)).rejects.toMatchObject({
        code: "PROJECT_INVALID",
        message: "growing.bin changed while it was read",
      });
    } finally {
      clearInterval(writing);
    }
  });

  test.runIf(process.platform !== "win32")("files that may not be read are named, all of them", async () => {
    await using folder = await temporaryFolder({ "a.bin": "", "b.bin": "", "closed/c.bin": "" });
    for (const name of ["a.bin", "b.bin", "closed"]) await chmod(join(folder.path, name), 0o000);
    await chmod(folder.path, 0o755);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      const error = await read(folder.path).catch((caught) => caught);
      expect(error.problems.map(({ message }: { message: string }) => message).sort()).toEqual([
        "cannot read a.bin: you may not read it",
        "cannot read b.bin: you may not read it",
        "cannot read closed: you may not read it",
      ]);
    } finally {
      if (isRoot) process.seteuid?.(0);
      await chmod(join(folder.path, "closed"), 0o700);
    }
  });

  test("a name that is not UTF-8 is refused", async () => {
    await using folder = await temporaryFolder();
    await writeFile(Buffer.concat([Buffer.from(`${folder.path}/caf`), Buffer.from([0xe9])]), "");
    await expect(read(folder.path)).rejects.toMatchObject({ message: expect.stringContaining("not valid UTF-8") });
  });

  test("an abort ends the reading", async () => {
    await using folder = await temporaryFolder({ "large.bin": Buffer.alloc(8 << 20) });
    const reason = new Error("enough");
    await expect(read(folder.path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("a folder of ten thousand files is read once, and looked through quickly after that", {
    timeout: 120_000,
  }, async () => {
    await using folder = await temporaryFolder();
    await using home = await temporaryFolder();
    for (let index = 0; index < 100; index++) await mkdir(join(folder.path, `${index}`));
    const files = Array.from({ length: 10_000 }, (_, index) => join(folder.path, `${index % 100}`, `${index}.txt`));
    for (const file of files) await writeFile(file, "");
    const options = { cacheFile: join(home.path, "hashes.json") };
    await new Promise((settled) => setTimeout(settled, 80));
    await read(folder.path, options);
    const startedAt = performance.now();
    expect((await read(folder.path, options)).files).toHaveLength(10_000);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });
});
