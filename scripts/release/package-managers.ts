import { releasesUrl } from "../../src/platform/releases.ts";
import { archiveFile, archiveFolder } from "./manifest.ts";

/** What all package managers are told. */
export interface Publication {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  /** SHA-256 by file name; what it lacks is not offered. */
  readonly checksums: ReadonlyMap<string, string>;
}

const homepage = releasesUrl.replace(/\/releases$/, "");
const owner = homepage.split("/").at(-2)!;

function urlOf(version: string, file: string): string {
  return `${releasesUrl}/download/v${version}/${file}`;
}

/** A formula of Homebrew, for a tap. Which shells are completed and what the manual says comes with the archive. */
export function homebrewFormula({ version, description, license, checksums }: Publication): string {
  const source = (target: string, block: string) => {
    const file = [archiveFile(version, target), archiveFile(version, target, false)].find((name) =>
      checksums.has(name),
    );
    if (file === undefined) return [];
    return [
      `    ${block} do`,
      `      url "${urlOf(version, file)}"`,
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
    `  homepage "${homepage}"`,
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
export function scoopManifest({ version, description, license, checksums }: Publication): string {
  const target = "win-x64";
  const file = archiveFile(version, target);
  const manifest = {
    version,
    description,
    homepage,
    license,
    architecture: {
      "64bit": {
        url: urlOf(version, file),
        hash: checksums.get(file),
        extract_dir: archiveFolder(version, target),
      },
    },
    bin: "cortex.exe",
    checkver: { github: homepage },
    autoupdate: {
      architecture: {
        "64bit": {
          url: urlOf("$version", archiveFile("$version", target)),
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
export function wingetManifests({
  version,
  description,
  license,
  checksums,
}: Publication): ReadonlyMap<string, string> {
  const identifier = `${owner.replaceAll("_", "")}.Cortex`;
  const target = "win-x64";
  const file = archiveFile(version, target);
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
        `PackageUrl: ${homepage}`,
        `License: ${license}`,
        `LicenseUrl: ${homepage}/blob/v${version}/LICENSE`,
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
        `  InstallerUrl: ${urlOf(version, file)}`,
        `  InstallerSha256: ${checksums.get(file)?.toUpperCase()}`,
      ]),
    ],
  ]);
}
