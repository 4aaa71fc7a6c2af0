import { ownerOf, releasesOf } from "../../src/platform/releases.ts";
import { archiveFolder, archiveName, releaseFileUrl } from "../../src/upgrade/release-source.ts";
import { smallArchiveName } from "./manifest.ts";

/** What all package managers are told. */
export interface Publication {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  /** Its address, on GitHub. */
  readonly repository: string;
  /** SHA-256 by file name; what it lacks is not offered. */
  readonly checksums: ReadonlyMap<string, string>;
}

function urlOf({ repository, version }: Pick<Publication, "repository" | "version">, file: string): string {
  return releaseFileUrl(releasesOf(repository), version, file);
}

/** A formula of Homebrew, for a tap. Which shells are completed and what the manual says comes with the archive. */
export function homebrewFormula(publication: Publication): string {
  const { version, description, license, repository, checksums } = publication;
  const source = (target: string, block: string) => {
    const file = [smallArchiveName(version, target), archiveName(version, target)].find((name) => checksums.has(name));
    if (file === undefined) return [];
    return [
      `    ${block} do`,
      `      url "${urlOf(publication, file)}"`,
      `      sha256 "${checksums.get(file)}"`,
      "    end",
    ];
  };
  const system = (block: string, name: string) => {
    const lines = [...source(`${name}-arm64`, "on_arm"), ...source(`${name}-x64`, "on_intel")];
    return lines.length === 0 ? [] : [`  ${block} do`, ...lines, "  end", ""];
  };
  return [
    "class Cortex < Formula",
    `  desc "${description.replaceAll('"', '\\"')}"`,
    `  homepage "${repository}"`,
    `  version "${version}"`,
    `  license "${license}"`,
    "",
    ...system("on_macos", "darwin"),
    ...system("on_linux", "linux"),
    "  def install",
    '    bin.install "cortex"',
    '    bash_completion.install "completions/cortex.bash" => "cortex"',
    '    zsh_completion.install "completions/_cortex"',
    '    fish_completion.install "completions/cortex.fish"',
    '    man1.install Dir["man/man1/*.1"]',
    "  end",
    "",
    "  test do",
    '    assert_equal "cortex #{version}\\n", shell_output("#{bin}/cortex --version")',
    "  end",
    "end",
    "",
  ].join("\n");
}

/** A manifest of scoop, for a bucket. */
export function scoopManifest(publication: Publication): string {
  const { version, description, license, repository, checksums } = publication;
  const target = "win-x64";
  const file = archiveName(version, target);
  const manifest = {
    version,
    description,
    homepage: repository,
    license,
    architecture: {
      "64bit": {
        url: urlOf(publication, file),
        hash: checksums.get(file),
        extract_dir: archiveFolder(version, target),
      },
    },
    bin: "cortex.exe",
    checkver: { github: repository },
    autoupdate: {
      architecture: {
        "64bit": {
          url: urlOf({ repository, version: "$version" }, archiveName("$version", target)),
          extract_dir: archiveFolder("$version", target),
        },
      },
      hash: { url: "$baseurl/SHA256SUMS" },
    },
  };
  return `${JSON.stringify(manifest, null, 4)}\n`;
}

const wingetSchema = "1.6.0";

/** The three files of a package of winget, by name. */
export function wingetManifests(publication: Publication): ReadonlyMap<string, string> {
  const { version, description, license, repository, checksums } = publication;
  const owner = ownerOf(repository);
  const identifier = `${owner.replaceAll("_", "")}.Cortex`;
  const target = "win-x64";
  const file = archiveName(version, target);
  const common = [`PackageIdentifier: ${identifier}`, `PackageVersion: ${version}`];
  const manifest = (type: string, lines: readonly string[]) =>
    [
      `# yaml-language-server: $schema=https://aka.ms/winget-manifest.${type}.${wingetSchema}.schema.json`,
      ...common,
      ...lines,
      `ManifestType: ${type}`,
      `ManifestVersion: ${wingetSchema}`,
      "",
    ].join("\n");
  return new Map([
    [`${identifier}.yaml`, manifest("version", ["DefaultLocale: en-US"])],
    [
      `${identifier}.locale.en-US.yaml`,
      manifest("defaultLocale", [
        "PackageLocale: en-US",
        `Publisher: ${owner}`,
        "PackageName: Cortex",
        `PackageUrl: ${repository}`,
        `License: ${license}`,
        `LicenseUrl: ${repository}/blob/v${version}/LICENSE`,
        `ShortDescription: ${JSON.stringify(description)}`,
        "Moniker: cortex",
        "Tags:",
        "- kubernetes",
        "- machine-learning",
        "- python",
      ]),
    ],
    [
      `${identifier}.installer.yaml`,
      manifest("installer", [
        "InstallerType: zip",
        "NestedInstallerType: portable",
        "NestedInstallerFiles:",
        `- RelativeFilePath: ${archiveFolder(version, target)}\\cortex.exe`,
        "  PortableCommandAlias: cortex",
        "Commands:",
        "- cortex",
        "Installers:",
        "- Architecture: x64",
        `  InstallerUrl: ${urlOf(publication, file)}`,
        `  InstallerSha256: ${checksums.get(file)?.toUpperCase()}`,
      ]),
    ],
  ]);
}
