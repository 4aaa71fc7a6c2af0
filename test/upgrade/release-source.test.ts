import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { npmScopeOf, placeholderRepository, releasesUrl } from "../../src/platform/releases.ts";
import { installedBy } from "../../src/upgrade/installed-by.ts";
import { newestVersion, parseChecksums, releaseFileUrl, releaseSource } from "../../src/upgrade/release-source.ts";

const root = join(import.meta.dirname, "../..");
const a = "a".repeat(64);
const b = "b".repeat(64);

describe("where releases come from", () => {
  test("is said once, in package.json; a release puts it into the installers, which name nothing else", () => {
    const { repository } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { repository: string };
    expect(`${repository}/releases`).toBe(releasesUrl);
    for (const file of ["scripts/release/install.sh", "scripts/release/install.ps1"]) {
      const named = readFileSync(join(root, file), "utf8").match(/https:\/\/[^\s/]+\/[^\s]*?releases/g)!;
      expect([...new Set(named)], file).toEqual([`${placeholderRepository}/releases`]);
    }
  });

  test("gives npm packages the scope of its owner, in small letters, as npm asks; a placeholder's is not to be had", () => {
    expect(npmScopeOf("https://github.com/Some-One/cortex")).toBe("@some-one");
    expect(npmScopeOf(placeholderRepository)).toBe("@OWNER_TO_BE_SET");
  });

  test("is the project's own place unless a mirror is named, by https or on this machine", () => {
    expect(releaseSource({})).toBe(releasesUrl);
    expect(releaseSource({ CORTEX_RELEASES_URL: "" })).toBe(releasesUrl);
    for (const url of [
      "https://mirror.example.com/cortex",
      "http://127.0.0.1:8080",
      "http://localhost",
      "http://[::1]:1/x",
    ]) {
      expect(releaseSource({ CORTEX_RELEASES_URL: `${url}/` })).toBe(url);
    }
    for (const url of [
      "http://mirror.example.com",
      "http://127.0.0.1.example.com",
      "http://127.0.0.1:1@example.com",
      "ftp://localhost",
      "file:///x",
      "mirror",
    ]) {
      expect(() => releaseSource({ CORTEX_RELEASES_URL: url }), url).toThrow(/from which no program is taken/);
    }
    // A password is not repeated.
    expect(() => releaseSource({ CORTEX_RELEASES_URL: "https://ada:secret@example.com" })).toThrow(/^(?!.*secret)/);
  });

  test("has the newest release in one folder and each by its version in another", () => {
    expect(releaseFileUrl("https://x", undefined, "SHA256SUMS")).toBe("https://x/latest/download/SHA256SUMS");
    expect(releaseFileUrl("https://x", "1.2.0", "f")).toBe("https://x/download/v1.2.0/f");
  });
});

describe("checksums", () => {
  test("are read as sha256sum writes them; what leads elsewhere is left out", () => {
    const sums = parseChecksums(`${a}  one\n${b} *two\r\n\nnonsense\n${a}  ../three\n${a.toUpperCase()}  four\n`);
    expect([...sums]).toEqual([
      ["one", a],
      ["two", b],
    ]);
  });

  test("tell the newest version that is there for a system", () => {
    const names = ["cortex-1.10.0-linux-x64.tar.gz", "cortex-1.9.0-linux-x64.tar.gz", "cortex-2.0.0-darwin-x64.tar.gz"];
    const sums = new Map(
      [...names, "cortex-3.0.0-linux-x64.tar.xz", "cortex-4.0.0-win-x64.zip"].map((name) => [name, a]),
    );
    expect(newestVersion(sums, "linux-x64")).toBe("1.10.0");
    expect(newestVersion(sums, "win-x64")).toBe("4.0.0");
    expect(newestVersion(sums, "linux-arm64")).toBeUndefined();
  });
});

test.each([
  ["/home2/ada/.local/bin/cortex", "file"],
  ["/opt/homebrew/Cellar/cortex/1.0.0/bin/cortex", "homebrew"],
  ["/home2/linuxbrew/.linuxbrew/Cellar/cortex/1.0.0/bin/cortex", "homebrew"],
  ["C:\\Users\\Ada\\scoop\\apps\\cortex\\current\\cortex.exe", "scoop"],
  ["C:\\Ada\\AppData\\Local\\Microsoft\\WinGet\\Packages\\X.Cortex_1\\cortex.exe", "winget"],
  ["/usr/lib/node_modules/@x/cortex/node_modules/@x/cortex-linux-x64/cortex", "npm"],
] as const)("a program at %s was installed by: %s", (path, by) => {
  expect(installedBy(path, true)).toBe(by);
  expect(installedBy(path, false)).toBe("source");
});
