import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readZip } from "../../src/packages/unzip.ts";
import { bundledFiles } from "../build/bundle.ts";
import { projectNode, projectRoot } from "../toolchain.mjs";

/** Somebody else's work that is part of the program. */
export interface Bundled {
  readonly name: string;
  readonly version: string;
  /** As its author names it, such as `MIT`. */
  readonly license: string;
  /** Texts of licences and notices, in the order of their files' names; none where the author ships none. */
  readonly texts: readonly string[];
}

const licenseFile = /^(licen[cs]e|copying|notice)/i;

/** @returns the packages that esbuild took something from, sorted by name */
export async function bundledNpmPackages(version: string): Promise<Bundled[]> {
  const files = await bundledFiles(join(projectRoot, "src", "main.ts"), version);
  const folders = new Set(files.map(packageFolder).filter((folder) => folder !== undefined));
  const packages = await Promise.all([...folders].map((folder) => readNpmPackage(join(projectRoot, folder))));
  return packages.toSorted(byName);
}

/** @param path as esbuild names a file, perhaps after the name of a plugin @returns relative to the project */
export function packageFolder(path: string): string | undefined {
  return /(?:^|[/:])(node_modules\/(?:.+\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(path.replaceAll("\\", "/"))?.[1];
}

async function readNpmPackage(folder: string): Promise<Bundled> {
  const json = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    name: string;
    version: string;
    license?: string;
  };
  const names = (await readdir(folder)).filter((name) => licenseFile.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  return { name: json.name, version: json.version, license: json.license ?? "see its text", texts };
}

/** Node itself, whose licence holds those of all that is in it. */
export async function bundledNode(version: string): Promise<Bundled> {
  const folder = dirname(dirname(projectNode()));
  const text = await readFile(join(folder, "LICENSE"), "utf8");
  return { name: "Node.js", version, license: "MIT, and those of what it contains", texts: [text] };
}

export interface LockedWheel {
  readonly name: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  readonly platform: string | null;
}

/** @returns the Python packages that come with the program for one of `targets` */
export function lockedWheels(targets: readonly string[]): LockedWheel[] {
  const lock = JSON.parse(readFileSync(join(projectRoot, "src/runtime/wheels.lock"), "utf8")) as {
    wheels: readonly LockedWheel[];
  };
  return lock.wheels.filter(({ platform }) => platform === null || targets.includes(platform));
}

/** Of wheels that differ by system and Python alone one is read, which must lie in `folder`. */
export async function bundledWheels(folder: string, wheels: readonly LockedWheel[]): Promise<Bundled[]> {
  const there = new Set(await readdir(folder));
  const found: Bundled[] = [];
  for (const [of, group] of Map.groupBy(wheels, ({ name, version }) => `${name} ${version}`)) {
    const wheel = group.find(({ file }) => there.has(basename(file)));
    if (!wheel) throw new Error(`${folder} has no wheel of ${of}: run \`npm run build\``);
    found.push(await readWheel(join(folder, wheel.file), wheel));
  }
  return found.toSorted(byName);
}

async function readWheel(path: string, { name, version }: LockedWheel): Promise<Bundled> {
  const entries = readZip(await readFile(path)).filter((entry) => entry.path.includes(".dist-info/"));
  const metadata = entries.find((entry) => entry.path.endsWith("/METADATA"));
  const fields = (await metadata?.read())?.toString("utf8") ?? "";
  const license =
    /^License-Expression: (.+)$/m.exec(fields)?.[1] ??
    /^Classifier: License :: OSI Approved :: (.+)$/m.exec(fields)?.[1] ??
    /^License: (.+)$/m.exec(fields)?.[1] ??
    "see its text";
  const licenses = entries
    .filter((entry) => licenseFile.test(basename(entry.path)))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const texts = await Promise.all(licenses.map(async (entry) => (await entry.read()).toString("utf8")));
  return { name, version, license, texts };
}

function byName(a: Bundled, b: Bundled): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1;
}
