import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CortexError } from "../../../core/errors.ts";
import type { RuntimeFiles } from "./runtime-wheels.ts";

/** The versions of a package that the runtime works with: `from` on; those from `below` on are not known. */
interface TestedRange {
  readonly from: string;
  readonly below: string;
}

type TestedVersions = Readonly<Record<string, TestedRange>>;

/** Packages that the runtime shares with the project, where tested-versions.json does not say otherwise. */
const defaults: TestedVersions = {
  uvicorn: { from: "0.20", below: "1" },
  starlette: { from: "0.20", below: "2" },
};

/** @returns what the runtime in that folder was tested with */
export async function readTestedVersions({ runtimeFolder }: RuntimeFiles): Promise<TestedVersions> {
  try {
    return JSON.parse(await readFile(join(runtimeFolder, "tested-versions.json"), "utf8")) as TestedVersions;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return defaults;
    throw error;
  }
}

/**
 * Looks whether what the project installed gets on with the runtime, which uses it then.
 * @returns a sentence for each package that is newer than what was tested
 * @throws PACKAGES_FAILED for one that is too old
 */
export async function checkInstalled(sitePackages: string, tested: TestedVersions): Promise<string[]> {
  const notices: string[] = [];
  for (const name of await readdir(sitePackages).catch(() => [])) {
    const [, raw, version] = /^([\w.]+)-([^-]+)\.dist-info$/.exec(name) ?? [];
    const found = raw?.toLowerCase().replaceAll("_", "-");
    const range = found === undefined ? undefined : tested[found];
    if (!found || !range || !version) continue;
    if (compareVersions(version, range.from) < 0) throw tooOld(found, version, range);
    if (compareVersions(version, range.below) >= 0) {
      notices.push(`${found} ${version} is newer than what Cortex was tested with (below ${range.below})`);
    }
  }
  return notices;
}

function tooOld(name: string, version: string, { from, below }: TestedRange): CortexError {
  return new CortexError("PACKAGES_FAILED", `the project installs ${name} ${version}, Cortex needs ${from} or later`, {
    hint: `allow "${name}>=${from},<${below}" in the requirements; a pinned fastapi may be what holds it back`,
  });
}

/** Compares the leading numbers of two versions. @returns below zero when `a` is older */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => (/^\d+(\.\d+)*/.exec(version)?.[0] ?? "0").split(".").map(Number));
  for (let index = 0; index < Math.max(left!.length, right!.length); index += 1) {
    const difference = (left![index] ?? 0) - (right![index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
