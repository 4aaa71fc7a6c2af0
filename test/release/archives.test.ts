import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasXz, makeTarGz, makeTarXz, makeZip } from "../../scripts/release/archives.ts";
import { joinPackages } from "../../scripts/release/join-packages.ts";
import { checkedManifest, sha256Of } from "../../scripts/release/manifest.ts";

const time = Date.parse("2026-11-26T12:00:02Z") / 1000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** The same files, made in another order, at another time and by another mask. */
async function stage(name: string, isOther: boolean): Promise<string> {
  const files = [
    ["cortex", "program", 0o755],
    ["LICENSE", "text", 0o644],
    ["man/man1/cortex.1", "page", 0o644],
  ] as const;
  const root = join(folder, name);
  for (const [path, text, mode] of isOther ? files.toReversed() : files) {
    const file = join(root, "cortex-1", path);
    await mkdir(dirname(file), { recursive: true, mode: isOther ? 0o700 : 0o755 });
    await writeFile(file, text);
    await chmod(file, isOther ? mode & 0o700 : mode);
    if (isOther) await utimes(file, 1, 1);
  }
  return root;
}

const formats = [
  ["tar.gz", makeTarGz],
  ["tar.xz", makeTarXz],
  ["zip", makeZip],
] as const;

describe.skipIf(process.platform !== "linux")("an archive", () => {
  test.each(formats)("%s has the same bytes whoever makes it, whenever and wherever", async (format, make) => {
    if (format === "tar.xz" && !(await hasXz())) return;
    const sums: string[] = [];
    for (const [index, zone] of ["UTC", "Asia/Tokyo"].entries()) {
      const before = process.env.TZ;
      process.env.TZ = zone;
      const file = join(folder, `${index}.${format}`);
      await make(await stage(String(index), index === 1), "cortex-1", time, file);
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
      sums.push(await sha256Of(file));
    }
    expect(sums[0]).toBe(sums[1]);
  });

  test("of tar belongs to nobody, and holds what can be executed as such", async () => {
    const file = join(folder, "a.tar.gz");
    await makeTarGz(await stage("a", true), "cortex-1", time, file);
    const list = execFileSync("tar", ["-tvf", file, "--numeric-owner", "--full-time", "--utc"], { encoding: "utf8" });
    const rows = list
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
    expect(rows.map(([mode, owner, , date, hour, path]) => [mode, owner, date, hour, path].join(" "))).toEqual([
      "drwxr-xr-x 0/0 2026-11-26 12:00:02 cortex-1/",
      "-rw-r--r-- 0/0 2026-11-26 12:00:02 cortex-1/LICENSE",
      "-rwxr-xr-x 0/0 2026-11-26 12:00:02 cortex-1/cortex",
      "drwxr-xr-x 0/0 2026-11-26 12:00:02 cortex-1/man/",
      "drwxr-xr-x 0/0 2026-11-26 12:00:02 cortex-1/man/man1/",
      "-rw-r--r-- 0/0 2026-11-26 12:00:02 cortex-1/man/man1/cortex.1",
    ]);
  });

  test("of zip is read by others", async () => {
    const file = join(folder, "a.zip");
    await makeZip(await stage("a", false), "cortex-1", time, file);
    const script =
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), [(i.filename, i.date_time[:5], oct(i.external_attr >> 16)) for i in z.infolist()])";
    expect(execFileSync("python3", ["-c", script, file], { encoding: "utf8" })).toBe(
      "None [('cortex-1/LICENSE', (2026, 11, 26, 12, 0), '0o100644'), ('cortex-1/cortex', (2026, 11, 26, 12, 0), '0o100755'), ('cortex-1/man/man1/cortex.1', (2026, 11, 26, 12, 0), '0o100644')]\n",
    );
  });
});

describe("packages of several machines", () => {
  const build = { version: "1.0.0", build: "b", node: "26.10.0" };

  async function packaged(name: string, target: string, changes: Partial<typeof build> = {}): Promise<string> {
    const root = join(folder, name);
    const file = `package/${target}/cortex`;
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), name);
    const size = Buffer.byteLength(name);
    const targets = [{ target, file, size, sha256: await sha256Of(join(root, file)), hasCodeCaches: true }];
    await writeFile(join(root, "manifest.json"), JSON.stringify({ ...build, ...changes, targets }));
    return root;
  }

  test("become one folder of which a release is made", async () => {
    const dist = join(folder, "dist");
    await joinPackages([await packaged("a", "linux-x64"), await packaged("b", "darwin-arm64")], dist);
    const { targets } = await checkedManifest(dist);
    expect(targets.map(({ target }) => target)).toEqual(["darwin-arm64", "linux-x64"]);
    expect(await readFile(join(dist, "package/darwin-arm64/cortex"), "utf8")).toBe("b");
  });

  test("are refused where they are not of one build, or one was changed on the way", async () => {
    const [a, other] = [await packaged("a", "linux-x64"), await packaged("b", "darwin-arm64", { build: "c" })];
    await expect(joinPackages([a, other], join(folder, "dist"))).rejects.toThrow("not of one build: 1.0.0, build b");
    await writeFile(join(a, "package/linux-x64/cortex"), "x");
    await expect(joinPackages([a], join(folder, "dist"))).rejects.toThrow("was changed");
    await expect(checkedManifest(join(folder, "nothing"))).rejects.toThrow("there is no manifest.json");
  });
});
