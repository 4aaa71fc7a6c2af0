import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFolder } from "../../scripts/release/bundled.ts";
import { manPages } from "../../scripts/release/man-pages.ts";
import { checksumsText, smallArchiveName } from "../../scripts/release/manifest.ts";
import { noticesText } from "../../scripts/release/notices.ts";
import { npmPlatformPackage, npmWrapper } from "../../scripts/release/npm-packages.ts";
import {
  homebrewFormula,
  type Publication,
  scoopManifest,
  wingetManifests,
} from "../../scripts/release/package-managers.ts";
import { billOfMaterials, type NpmBom } from "../../scripts/release/sbom.ts";
import { releaseTime } from "../../scripts/release/time.ts";
import { catalog } from "../../src/cli/catalog.ts";
import { programSummary } from "../../src/cli/root-help.ts";
import { placeholderRepository } from "../../src/platform/releases.ts";
import { archiveFolder, archiveName } from "../../src/upgrade/release-source.ts";

const time = Date.parse("2026-11-26T12:00:00Z") / 1000;
const described = {
  version: "1.2.3",
  description: programSummary.replace(/\.$/, ""),
  license: "Apache-2.0",
  repository: "https://github.com/Our_Example/cortex",
};
const targets = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win-x64"];
const publication: Publication = {
  ...described,
  checksums: new Map(targets.map((target, index) => [smallArchiveName("1.2.3", target), String(index + 1).repeat(64)])),
};

function expectGolden(name: string, text: string): Promise<void> {
  return expect(text).toMatchFileSnapshot(join(import.meta.dirname, "../golden/release", `${name}.golden.txt`));
}

describe("package managers", () => {
  test("Homebrew gets a formula", async () => {
    await expectGolden("cortex.rb", homebrewFormula(publication));
  });

  test("Homebrew's formula offers what was made, and nothing else", () => {
    const checksums = new Map([[archiveName("1.2.3", "linux-x64"), "a".repeat(64)]]);
    const formula = homebrewFormula({ ...publication, checksums });
    expect(formula).not.toContain("on_macos");
    expect(formula.match(/url ".*"/g)).toEqual([expect.stringContaining("/v1.2.3/cortex-1.2.3-linux-x64.tar.gz")]);
  });

  test("its description is short enough for Homebrew's audit, and no sentence", () => {
    expect(described.description.length).toBeLessThanOrEqual(80);
    expect(described.description).not.toMatch(/\.$/);
  });

  test("scoop gets a manifest that updates itself", async () => {
    const manifest = scoopManifest(publication);
    await expectGolden("scoop.json", manifest);
    const { autoupdate, architecture } = JSON.parse(manifest) as {
      autoupdate: { architecture: unknown };
      architecture: unknown;
    };
    const fill = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll("$version", "1.2.3"));
    expect(architecture).toMatchObject(fill(autoupdate.architecture));
  });

  test("winget gets three manifests", async () => {
    const manifests = wingetManifests(publication);
    expect([...manifests.keys()]).toEqual([
      "OurExample.Cortex.yaml",
      "OurExample.Cortex.locale.en-US.yaml",
      "OurExample.Cortex.installer.yaml",
    ]);
    const { parseDocument } = await import("yaml");
    for (const [name, text] of manifests) {
      expect(parseDocument(text).errors, name).toEqual([]);
      await expectGolden(name, text);
    }
  });

  test("npm gets a package that chooses, and one for each system that fits nothing else", async () => {
    const wrapper = npmWrapper(described, targets);
    await expectGolden("npm-package.json", wrapper.files.get("package.json")!);
    await expectGolden("npm-cortex.js", wrapper.files.get("cortex.js")!);
    const json = JSON.parse(wrapper.files.get("package.json")!) as { optionalDependencies: Record<string, string> };
    for (const target of targets) {
      const { name, files } = npmPlatformPackage(described, target);
      const own = JSON.parse(files.get("package.json")!) as Record<string, unknown>;
      expect(json.optionalDependencies[name]).toBe(own.version);
      await expectGolden(`npm-${target}-package.json`, files.get("package.json")!);
    }
  });

  test("npm publishes nothing while the owner of the repository is a placeholder", () => {
    const unowned = { ...described, repository: placeholderRepository };
    for (const { name, files } of [npmWrapper(unowned, targets), npmPlatformPackage(unowned, "linux-x64")]) {
      expect(JSON.parse(files.get("package.json")!)).toMatchObject({ private: true });
      // Nor could anybody else: npm takes no new name that has capitals.
      expect(name).toMatch(/^@OWNER_TO_BE_SET\/cortex/);
    }
    expect(JSON.parse(npmWrapper(described, targets).files.get("package.json")!)).not.toHaveProperty("private");
  });
});

describe("archives", () => {
  test("are named by version and system", () => {
    expect(archiveFolder("1.2.3", "linux-x64")).toBe("cortex-1.2.3-linux-x64");
    expect(smallArchiveName("1.2.3", "linux-x64")).toBe("cortex-1.2.3-linux-x64.tar.xz");
    expect(archiveName("1.2.3", "darwin-arm64")).toBe("cortex-1.2.3-darwin-arm64.tar.gz");
    expect(smallArchiveName("1.2.3", "win-x64")).toBe("cortex-1.2.3-win-x64.zip");
  });

  test("have checksums as sha256sum writes them", () => {
    const released = [
      { file: "b", sha256: "2" },
      { file: "a", sha256: "1" },
    ];
    expect(checksumsText(released)).toBe("1  a\n2  b\n");
  });

  test("bear the time of the commit, or the one that is named, in even seconds", () => {
    expect(releaseTime({}, () => "1700000001\n")).toBe(1_700_000_000);
    expect(releaseTime({ SOURCE_DATE_EPOCH: "10" }, () => "1700000001")).toBe(10);
    expect(() => releaseTime({ SOURCE_DATE_EPOCH: "yesterday" }, () => "1")).toThrow("SOURCE_DATE_EPOCH");
  });
});

describe("manual pages", () => {
  test("are one for the program, for each command and for each of its own", async () => {
    const pages = await manPages({ version: "1.2.3", time });
    expect([...pages.keys()]).toEqual(expect.arrayContaining(catalog.map(({ name }) => `cortex-${name}.1`)));
    expect([...pages.keys()]).toEqual(expect.arrayContaining(["cortex.1", "cortex-cluster-up.1", "cortex-env-list.1"]));
    await expectGolden("cortex.1", pages.get("cortex.1")!);
    await expectGolden("cortex-deploy.1", pages.get("cortex-deploy.1")!);
    await expectGolden("cortex-cluster.1", pages.get("cortex-cluster.1")!);
  });

  test("hold nothing that roff would take for a request or an escape by mistake", async () => {
    for (const [name, page] of await manPages({ version: "1.2.3", time })) {
      const requests = page.split("\n").filter((line) => /^[.']/.test(line));
      expect(
        requests.filter((line) => !/^\.(TH|SH|TP|B|PP)( |$)/.test(line)),
        name,
      ).toEqual([]);
      expect(page.replaceAll(/\\[-&e]/g, ""), name).not.toContain("\\");
      expect(page, name).toMatch(/^[\x20-\x7e\n]*$/);
    }
  });
});

describe("notices", () => {
  const mit = { license: "MIT", texts: ["MIT License\n\nCopyright A\n"] };

  test("name all that is inside, and give each text once, below those that it is for", async () => {
    const text = noticesText({
      node: { name: "Node.js", version: "26.10.0", license: "MIT", texts: ["Node's own text"] },
      npm: [
        { name: "a", version: "1.0.0", ...mit },
        { name: "@b/c", version: "2.0.0", license: "ISC", texts: [] },
        { name: "d", version: "3.0.0", license: "MIT", texts: ["MIT License\r\n\r\nCopyright A"] },
      ],
      python: [{ name: "e", version: "4.0.0", license: "BSD-3-Clause", texts: ["BSD\n", "AUTHORS\n"] }],
    });
    await expectGolden("notices", text);
  });

  test.each([
    ["node_modules/commander/lib/command.js", "node_modules/commander"],
    ["../x/node_modules/@aws-sdk/core/dist-es/a.js", "node_modules/@aws-sdk/core"],
    ["commonjs-package:/x/node_modules/ws/index.js", "node_modules/ws"],
    ["node_modules/a/node_modules/@b/c/x.js", "node_modules/a/node_modules/@b/c"],
    ["src/main.ts", undefined],
  ])("%s belongs to %s", (path, folder) => {
    expect(packageFolder(path)).toBe(folder);
  });
});

describe("the bill of materials", () => {
  const component = (name: string, more: object = {}) => ({
    "bom-ref": `${name}@1.0.0`,
    type: "library",
    name,
    version: "1.0.0",
    ...more,
  });
  const npm: NpmBom = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    serialNumber: "urn:uuid:of-the-day",
    version: 1,
    metadata: { timestamp: "now", tools: [{ version: "of this machine" }], component: component("folder") },
    components: [component("used"), component("vitest"), component("core", { group: "@sdk" })],
    dependencies: [
      { ref: "folder@1.0.0", dependsOn: ["used@1.0.0", "vitest@1.0.0"] },
      { ref: "used@1.0.0", dependsOn: ["core@1.0.0"] },
      { ref: "core@1.0.0", dependsOn: [] },
      { ref: "vitest@1.0.0", dependsOn: [] },
    ],
  };
  const wheel = {
    name: "h11",
    version: "0.16.0",
    file: "h11-0.16.0-py3-none-any.whl",
    sha256: "a".repeat(64),
    platform: null,
  };
  const parts = {
    npm,
    version: "1.2.3",
    node: "26.10.0",
    bundled: [
      { name: "used", version: "1.0.0" },
      { name: "@sdk/core", version: "1.0.0" },
    ],
    wheels: [wheel, wheel],
    time,
  };

  test("names what is in the program: packages of npm, Node, and Python packages with their files", async () => {
    await expectGolden("sbom.json", billOfMaterials(parts));
  });

  test("is the same whatever the hour and the folder, and another one for another content", () => {
    const later = { ...npm, serialNumber: "urn:uuid:other", metadata: { ...npm.metadata, timestamp: "later" } };
    expect(billOfMaterials({ ...parts, npm: later })).not.toContain("of this machine");
    const serial = (text: string) => (JSON.parse(text) as { serialNumber: string }).serialNumber;
    expect(serial(billOfMaterials({ ...parts, npm: later }))).toBe(serial(billOfMaterials(parts)));
    expect(serial(billOfMaterials({ ...parts, node: "26.11.0" }))).not.toBe(serial(billOfMaterials(parts)));
    expect(serial(billOfMaterials(parts))).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  test("is refused where npm does not know what is in the program", () => {
    const bundled = [{ name: "used", version: "1.0.1" }];
    expect(() => billOfMaterials({ ...parts, bundled })).toThrow("npm does not know of used@1.0.1");
  });
});
