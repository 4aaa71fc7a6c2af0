import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { printedInstallation } from "../support/readme.ts";
import { releaseServer, standIn, thisTarget } from "../support/release-server.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const targets = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win-x64"];
const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;

/** What `npm run release` makes of programs that only say their version. */
describe.skipIf(process.platform !== "linux")("a release", { timeout: 120_000 }, () => {
  let dist: string;
  let files: string;

  beforeAll(async () => {
    dist = await mkdtemp(join(tmpdir(), "cortex-release-"));
    files = join(dist, "release/download/v1.0.0");
    const made = targets.map(async (target) => {
      const file = `package/${target}/cortex${target.startsWith("win") ? ".exe" : ""}`;
      const text = standIn("1.0.0");
      await mkdir(dirname(join(dist, file)), { recursive: true });
      await writeFile(join(dist, file), text);
      await chmod(join(dist, file), 0o755);
      const sha256 = createHash("sha256").update(text).digest("hex");
      return { target, file, size: text.length, sha256, hasCodeCaches: false };
    });
    const manifest = { version: "1.0.0", build: "b", node: "26.10.0", targets: await Promise.all(made) };
    await writeFile(join(dist, "manifest.json"), JSON.stringify(manifest));
    await run(process.execPath, [join(root, "scripts/release.ts"), "--dist", dist]);
  }, 240_000);

  afterAll(() => rm(dist, { recursive: true, force: true }));

  test("has archives, checksums that hold, and what package managers take", async () => {
    const names = await readdir(files);
    for (const target of targets) {
      expect(
        names.some((name) => name.startsWith(`cortex-1.0.0-${target}.`)),
        target,
      ).toBe(true);
    }
    await run("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: files });
    expect((await readdir(join(dist, "release/latest/download"))).toSorted()).toEqual(names.toSorted());
    expect(await readdir(dist)).toEqual(expect.not.arrayContaining(["release.partial"]));
    expect((await readdir(join(dist, "release/npm"))).toSorted()).toEqual(
      ["cortex.tgz", ...targets.map((target) => `cortex-${target}.tgz`)].toSorted(),
    );
    if (has("ruby")) await run("ruby", ["-c", join(dist, "release/homebrew/cortex.rb")]);
  });

  test("names all that is really inside", async () => {
    const notices = await readFile(join(files, "THIRD-PARTY-NOTICES.txt"), "utf8");
    const bom = JSON.parse(await readFile(join(files, "cortex-1.0.0.cdx.json"), "utf8")) as {
      components: readonly { name: string }[];
    };
    const named = bom.components.map(({ name }) => name);
    for (const name of ["commander", "yaml", "@smithy/core", "uvicorn", "starlette"]) {
      expect(notices).toContain(`  ${name} `);
      expect(named).toContain(name);
    }
    expect(named).toContain("node");
    expect(named.filter((name) => /vitest|esbuild|typescript/.test(name))).toEqual([]);
    // Node's licence goes on with those of what it contains.
    expect(notices).toContain("Node.js is licensed for use as follows");
    expect(notices).toContain("OpenSSL");
  });

  test("has manual pages and completions that others read", async () => {
    await run("tar", ["-xzf", join(files, "cortex-1.0.0-linux-x64.tar.gz"), "-C", dist]);
    const folder = join(dist, "cortex-1.0.0-linux-x64");
    const pages = await readdir(join(folder, "man/man1"));
    expect(pages.length).toBeGreaterThan(30);
    if (has("mandoc")) {
      const lint = ["-T", "lint", "-W", "warning", ...pages.map((page) => join(folder, "man/man1", page))];
      expect((await run("mandoc", lint)).stdout).toBe("");
    }
    for (const [shell, file] of [
      ["bash", "cortex.bash"],
      ["zsh", "_cortex"],
      ["fish", "cortex.fish"],
    ] as const) {
      if (has(shell)) await run(shell, ["-n", join(folder, "completions", file)]);
    }
  });

  test("installs by what README.md prints, from a server that has nothing but it", async () => {
    await using server = await releaseServer(join(dist, "release"));
    const folder = join(dist, "bin");
    const path = `${folder}:${process.env.PATH}`;
    const env = { ...process.env, PATH: path, HOME: dist, CORTEX_RELEASES_URL: server.url, CORTEX_INSTALL_DIR: folder };
    const { stdout } = await run("sh", ["-c", printedInstallation(server.url)], { env });
    expect(stdout).toBe("cortex 1.0.0\n");
    expect(await readdir(folder)).toEqual(["cortex"]);
  });

  test("has installers that look for releases of the repository that package.json names", async () => {
    const { repository } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { repository: string };
    for (const name of ["install.sh", "install.ps1"]) {
      const named = (await readFile(join(files, name), "utf8")).match(/https:\/\/github\.com\/\S*?releases/g)!;
      expect([...new Set(named)]).toEqual([`${repository}/releases`]);
    }
  });

  test("has packages of npm with the program, its licence and those of others", async () => {
    const contents = async (name: string) => {
      const { stdout } = await run("tar", ["-tzf", join(dist, `release/npm/${name}.tgz`)]);
      return stdout
        .split("\n")
        .filter((path) => path !== "" && !path.endsWith("/"))
        .toSorted();
    };
    const all = (...own: readonly string[]) =>
      [...own, "LICENSE", "THIRD-PARTY-NOTICES.txt", "package.json"].map((name) => `package/${name}`).toSorted();
    expect(await contents("cortex")).toEqual(all("cortex.js", "README.md"));
    for (const target of targets) {
      expect(await contents(`cortex-${target}`)).toEqual(all(target === "win-x64" ? "cortex.exe" : "cortex"));
    }
  });

  test("installs by npm, where its few lines start the program of this system", async () => {
    const folder = join(dist, "by-npm");
    await mkdir(folder);
    const packages = ["cortex", `cortex-${thisTarget}`].map((name) => join(dist, `release/npm/${name}.tgz`));
    const flags = ["install", "--offline", "--no-audit", "--no-fund", "--cache", join(folder, "cache")];
    await run("npm", [...flags, "--prefix", folder, ...packages]);
    expect((await run(join(folder, "node_modules/.bin/cortex"), ["--version"])).stdout).toBe("cortex 1.0.0\n");
  });
});
