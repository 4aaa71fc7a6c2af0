// Makes dist/release/ from dist/manifest.json and the programs that it names: what a release page, a mirror and package
// managers take. Commits give the same bytes on every machine. `node scripts/release.ts [--dist FOLDER]`
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { link, mkdir, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { completionScript } from "../src/cli/completion-scripts.ts";
import { programSummary } from "../src/cli/root-help.ts";
import { placeholderRepository } from "../src/platform/releases.ts";
import { archiveFolder, archiveName } from "../src/upgrade/release-source.ts";
import { replaceFile } from "./build/files.ts";
import type { Manifest, PackagedTarget } from "./package/manifest.ts";
import { hasXz, makeTarGz, makeTarXz, makeZip } from "./release/archives.ts";
import { bundledNode, bundledNpmPackages, bundledWheels, lockedWheels } from "./release/bundled.ts";
import { joinPackages } from "./release/join-packages.ts";
import { manPages } from "./release/man-pages.ts";
import {
  checkedManifest,
  checksumsText,
  isWindows,
  type Released,
  sha256Of,
  smallArchiveName,
} from "./release/manifest.ts";
import { noticesText } from "./release/notices.ts";
import { type NpmPackage, npmPlatformPackage, npmWrapper } from "./release/npm-packages.ts";
import { homebrewFormula, scoopManifest, wingetManifests } from "./release/package-managers.ts";
import { billOfMaterials, type NpmBom } from "./release/sbom.ts";
import { releaseTime } from "./release/time.ts";
import { projectRoot } from "./toolchain.mjs";

const { values } = parseArgs({
  options: {
    dist: { type: "string", default: join(projectRoot, "dist") },
    from: { type: "string", multiple: true, default: [] },
  },
});
const dist = resolve(values.dist);
const out = join(dist, "release");
const staging = join(dist, "release.partial");
const ownWheels = join(projectRoot, "dist", "wheels");
const project = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
  readonly license: string;
  readonly repository: string;
};
const license = readFileSync(join(projectRoot, "LICENSE"), "utf8");

await makeRelease();

async function makeRelease(): Promise<void> {
  await joinPackages(
    values.from.map((folder) => resolve(folder)),
    dist,
  );
  const manifest = await checkedManifest(dist);
  const time = releaseTime(process.env, () => git("log", "-1", "--format=%ct"));
  for (const folder of [out, staging]) await rm(folder, { recursive: true, force: true });
  const texts = await makeTexts(manifest, time);
  const files = join(out, "download", `v${manifest.version}`);
  await mkdir(files, { recursive: true });
  for (const packed of manifest.targets) await makeArchives(packed, manifest.version, texts, time, files);
  await makeDownloads(manifest, texts, files);
  await makePackages(manifest, texts, time, await checksumsOf(files));
  await rm(staging, { recursive: true, force: true });
  await linkAll(files, join(out, "latest", "download"));
  say(`made ${out}, release ${manifest.version} for ${manifest.targets.map(({ target }) => target).join(", ")}`);
}

/** What archives hold beside the program, by path; and the bill of materials. */
interface Texts {
  readonly shared: ReadonlyMap<string, string>;
  readonly manual: ReadonlyMap<string, string>;
  readonly notices: string;
  readonly bom: string;
}

async function makeTexts({ version, node, targets }: Manifest, time: number): Promise<Texts> {
  const wheels = lockedWheels(targets.map(({ target }) => target.replace(/^win-/, "win32-")));
  const npm = await bundledNpmPackages(version);
  const python = await bundledWheels(ownWheels, wheels);
  const notices = noticesText({ node: await bundledNode(node), npm, python });
  const bom = billOfMaterials({ npm: npmBom(), version, node, bundled: npm, wheels, time });
  const shared = new Map([
    ["LICENSE", license],
    ["THIRD-PARTY-NOTICES.txt", notices],
    ["completions/cortex.bash", completionScript("bash")],
    ["completions/_cortex", completionScript("zsh")],
    ["completions/cortex.fish", completionScript("fish")],
    ["completions/cortex.ps1", completionScript("powershell")],
  ]);
  const manual = new Map([...(await manPages({ version, time }))].map(([name, text]) => [`man/man1/${name}`, text]));
  return { shared, manual, notices, bom };
}

async function makeArchives(
  { target, file }: PackagedTarget,
  version: string,
  { shared, manual }: Texts,
  time: number,
  files: string,
): Promise<void> {
  const name = archiveFolder(version, target);
  const folder = join(staging, name);
  await writeAll(folder, isWindows(target) ? shared : [...shared, ...manual]);
  await linkProgram(join(dist, file), join(folder, isWindows(target) ? "cortex.exe" : "cortex"));
  const make = async (pack: typeof makeTarGz, archive: string) => {
    await pack(staging, name, time, join(files, archive));
    say(`made ${archive}`);
  };
  if (isWindows(target)) return make(makeZip, archiveName(version, target));
  await make(makeTarGz, archiveName(version, target));
  if (await hasXz()) await make(makeTarXz, smallArchiveName(version, target));
  else say("this machine has no xz: there is no .tar.xz");
}

/** What is downloaded beside the archives; the checksums come last. */
async function makeDownloads({ version }: Manifest, { notices, bom }: Texts, files: string): Promise<void> {
  await replaceFile(join(files, "THIRD-PARTY-NOTICES.txt"), notices);
  await replaceFile(join(files, `cortex-${version}.cdx.json`), bom);
  for (const name of ["install.sh", "install.ps1"]) {
    const text = readFileSync(join(projectRoot, "scripts", "release", name), "utf8");
    await replaceFile(
      join(files, name),
      text.replaceAll(placeholderRepository, project.repository),
      name.endsWith(".sh") ? 0o755 : 0o644,
    );
  }
  await replaceFile(join(files, "SHA256SUMS"), checksumsText(await checksumsOf(files)));
}

async function checksumsOf(folder: string): Promise<Released[]> {
  const names = (await readdir(folder)).filter((name) => name !== "SHA256SUMS");
  return Promise.all(names.map(async (file) => ({ file, sha256: await sha256Of(join(folder, file)) })));
}

async function makePackages(
  { version, targets }: Manifest,
  { notices }: Texts,
  time: number,
  released: readonly Released[],
): Promise<void> {
  const description = programSummary.replace(/\.$/, "");
  const described = { version, description, license: project.license, repository: project.repository };
  const publication = { ...described, checksums: new Map(released.map(({ file, sha256 }) => [file, sha256])) };
  await replaceFile(join(out, "homebrew", "cortex.rb"), homebrewFormula(publication));
  if (targets.some(({ target }) => isWindows(target))) {
    await replaceFile(join(out, "scoop", "cortex.json"), scoopManifest(publication));
    await writeAll(join(out, "winget"), wingetManifests(publication));
  }
  const names = targets.map(({ target }) => target);
  await makeNpmPackage(npmWrapper(described, names), notices, time);
  for (const { target, file } of targets) {
    await makeNpmPackage(npmPlatformPackage(described, target), notices, time, { target, file });
  }
}

async function makeNpmPackage(
  { name, files }: NpmPackage,
  notices: string,
  time: number,
  program?: Pick<PackagedTarget, "target" | "file">,
): Promise<void> {
  const short = name.split("/").at(-1)!;
  const folder = join(staging, "npm", short);
  await writeAll(join(folder, "package"), [...files, ["LICENSE", license], ["THIRD-PARTY-NOTICES.txt", notices]]);
  if (program) {
    const target = join(folder, "package", isWindows(program.target) ? "cortex.exe" : "cortex");
    await linkProgram(join(dist, program.file), target);
  }
  await mkdir(join(out, "npm"), { recursive: true });
  await makeTarGz(folder, "package", time, join(out, "npm", `${short}.tgz`));
}

async function writeAll(folder: string, files: Iterable<readonly [path: string, text: string]>): Promise<void> {
  for (const [path, text] of files) await replaceFile(join(folder, path), text);
}

/** A program is large, and lies in several archives. */
async function linkProgram(from: string, to: string): Promise<void> {
  await link(from, to);
}

/** The newest release is also found without its version, as on GitHub. */
async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) await link(join(from, name), join(to, name));
}

function npmBom(): NpmBom {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
  const shell = process.platform === "win32";
  return JSON.parse(execFileSync("npm", args, { cwd: projectRoot, encoding: "utf8", shell })) as NpmBom;
}

function git(...args: readonly string[]): string {
  return execFileSync("git", args, { cwd: projectRoot, encoding: "utf8" });
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
