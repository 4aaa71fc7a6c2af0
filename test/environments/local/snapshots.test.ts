import { execFileSync } from "node:child_process";
import { chmod, link, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Project } from "../../../src/core/environment.ts";
import { removeUnusedSnapshots, snapshotFolder, storeSnapshot } from "../../../src/environments/local/snapshots.ts";
import { readProject } from "../../../src/project/read-project.ts";
import { type Folder, temporaryFolder } from "../../project/folder.ts";

const signal = AbortSignal.timeout(60_000);
const large = Buffer.alloc(3 << 20, "model");
const read = ({ path }: Folder): Promise<Project> => readProject(path, { configFile: "cortex.yaml", signal });
const store = (home: Folder) => join(home.path, "local", "store");
const snapshots = (home: Folder) => join(home.path, "local", "snapshots");

test("a snapshot holds the project's files under the project's digest, with their modes", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "a b/handler.py": "1", "run.sh": "2", "model.bin": large, empty: "" });
  await chmod(join(folder.path, "run.sh"), 0o755);
  const project = await read(folder);
  const tree = await storeSnapshot(home.path, project, signal);
  expect(tree).toBe(join(snapshots(home), project.digest));
  expect(await snapshotFolder(home.path, project.digest)).toBe(tree);
  expect((await readdir(tree)).sort()).toEqual(["a b", "empty", "model.bin", "run.sh"]);
  expect(await readFile(join(tree, "a b/handler.py"), "utf8")).toBe("1");
  expect(large.equals(await readFile(join(tree, "model.bin")))).toBe(true);
  const modes = ["a b/handler.py", "run.sh", "model.bin"].map(
    async (path) => (await stat(join(tree, path))).mode & 0o777,
  );
  expect(await Promise.all(modes)).toEqual([0o600, 0o700, 0o400]);
});

test("there is no snapshot of what nobody stored", async () => {
  await using home = await temporaryFolder();
  expect(await snapshotFolder(home.path, "0".repeat(64))).toBeUndefined();
});

test("a large file is on the disk once, however many snapshots hold it", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "handler.py": "1", "model.bin": large, "copy.bin": large });
  const first = await storeSnapshot(home.path, await read(folder), signal);
  await folder.write({ "handler.py": "2" });
  const second = await storeSnapshot(home.path, await read(folder), signal);
  expect(second).not.toBe(first);
  const files = [first, second].flatMap((tree) => ["model.bin", "copy.bin"].map((name) => join(tree, name)));
  const inodes = await Promise.all(files.map(async (file) => (await stat(file)).ino));
  expect(new Set(inodes).size).toBe(1);
});

test("storing the same project again, also twice at once, ends with one whole tree", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "handler.py": "1", "model.bin": large });
  const project = await read(folder);
  const trees = await Promise.all(Array.from({ length: 6 }, () => storeSnapshot(home.path, project, signal)));
  expect(new Set(trees).size).toBe(1);
  expect(await readdir(snapshots(home))).toEqual([project.digest]);
  expect(await readdir(store(home))).toHaveLength(1);
});

test("names in decomposed Unicode are found and stored composed", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "caf\u0065\u0301/mod\u0065\u0300le.txt": "x" });
  const tree = await storeSnapshot(home.path, await read(folder), signal);
  expect(await readFile(join(tree, "caf\u00e9/mod\u00e8le.txt"), "utf8")).toBe("x");
});

test("a tree that lost a file is made anew", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "handler.py": "1", "model.bin": large });
  const project = await read(folder);
  const tree = await storeSnapshot(home.path, project, signal);
  await rm(join(tree, "handler.py"));
  await storeSnapshot(home.path, project, signal);
  expect(await readFile(join(tree, "handler.py"), "utf8")).toBe("1");
  expect(await readdir(snapshots(home))).toEqual([project.digest]);
});

test.each([
  ["another content", (file: string) => writeFile(file, "2")],
  ["gone", (file: string) => rm(file)],
])("a file that is %s since it was read is named, and nothing is left of the attempt", async (_, change) => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "handler.py": "1", "other.py": "1", "model.bin": large });
  const project = await read(folder);
  await change(join(folder.path, "handler.py"));
  await expect(storeSnapshot(home.path, project, signal)).rejects.toMatchObject({
    code: "PROJECT_INVALID",
    message: "handler.py changed while it was read",
  });
  expect(await readdir(snapshots(home))).toEqual([]);
  expect(await snapshotFolder(home.path, project.digest)).toBeUndefined();
});

test("a signal ends the storing and leaves nothing", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "model.bin": large });
  const project = await read(folder);
  const reason = new Error("enough");
  await expect(storeSnapshot(home.path, project, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(await readdir(snapshots(home))).toEqual([]);
});

test.runIf(canMount())("a full disk is said, and nothing is left half-written", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "handler.py": "1", "model.bin": large });
  const disk = join(home.path, "disk");
  await mkdir(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
  try {
    const project = await read(folder);
    await expect(storeSnapshot(disk, project, signal)).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(await readdir(join(disk, "local/snapshots"))).toEqual([]);
    expect(await readdir(join(disk, "local/store"))).toEqual([]);
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("what nobody uses is removed, and what is in use or young is not", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "handler.py": "1", "model.bin": large });
  const used = await read(folder);
  await storeSnapshot(home.path, used, signal);
  await folder.write({ "model.bin": Buffer.alloc(3 << 20, "other") });
  const unused = await read(folder);
  const unusedTree = await storeSnapshot(home.path, unused, signal);

  await removeUnusedSnapshots(home.path, new Set([used.digest]), 60_000);
  expect(await readdir(snapshots(home))).toHaveLength(2);

  await age(unusedTree);
  for (const name of await readdir(store(home))) await age(join(store(home), name));
  await removeUnusedSnapshots(home.path, new Set([used.digest]), 60_000);
  expect(await readdir(snapshots(home))).toEqual([used.digest]);
  expect(await readdir(store(home))).toHaveLength(1);
});

test("storing an old snapshot again makes it young", async () => {
  await using home = await temporaryFolder();
  await using folder = await temporaryFolder({ "handler.py": "1" });
  const project = await read(folder);
  await age(await storeSnapshot(home.path, project, signal));
  await storeSnapshot(home.path, project, signal);
  await removeUnusedSnapshots(home.path, new Set(), 60_000);
  expect(await snapshotFolder(home.path, project.digest)).toBeDefined();
});

test("what interrupted programs left behind is removed", async () => {
  await using home = await temporaryFolder({
    "local/snapshots/.partial-1/x": "",
    "local/store/.partial-2": "",
    "local/store/linked": "",
  });
  await link(join(store(home), "linked"), join(home.path, "elsewhere"));
  for (const path of ["snapshots/.partial-1", "store/.partial-2", "store/linked"])
    await age(join(home.path, "local", path));
  await removeUnusedSnapshots(home.path, new Set(), 60_000);
  expect(await readdir(snapshots(home))).toEqual([]);
  expect(await readdir(store(home))).toEqual(["linked"]);
});

test("a home without snapshots has nothing to remove", async () => {
  await using home = await temporaryFolder();
  await expect(removeUnusedSnapshots(home.path, new Set(), 0)).resolves.toBeUndefined();
});

async function age(path: string): Promise<void> {
  const old = new Date(Date.now() - 3_600_000);
  await utimes(path, old, old);
}

/** @returns whether this user may mount a small file system, as root in a container with that right may */
function canMount(): boolean {
  if (process.platform !== "linux" || process.geteuid?.() !== 0) return false;
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
