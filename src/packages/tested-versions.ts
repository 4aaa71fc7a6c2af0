import { readdir } from "node:fs/promises";
import { CortexError } from "../core/errors.ts";
import type { Requirements } from "./requirements.ts";

/** Versions that the runtime works with: `from` on, and before `below`. As in src/runtime/cortex_runtime/versions.py. */
export const testedVersions: Readonly<Record<string, { readonly from: string; readonly below: string }>> = {
  uvicorn: { from: "0.20", below: "1" },
  starlette: { from: "0.27", below: "2" },
};

/**
 * Looks whether what the project installed gets on with the runtime, which uses it then in place of its own.
 * @param sitePackages of the virtual environment
 * @throws PACKAGES_FAILED for a package that does not
 */
export async function checkInstalled(sitePackages: string, requirements: Requirements | undefined): Promise<void> {
  checkTested(await readdir(sitePackages).catch(() => []), requirements);
}

/** @param folders names of the installed packages' `.dist-info` folders, among others. @throws PACKAGES_FAILED */
export function checkTested(folders: readonly string[], requirements: Requirements | undefined): void {
  for (const folder of folders) {
    const [, name = "", version = ""] = /^([\w.]+)-([^-]+)\.dist-info$/.exec(folder) ?? [];
    const range = testedVersions[name.toLowerCase()];
    if (!range) continue;
    const { from, below } = range;
    if (compareVersions(version, from) >= 0 && compareVersions(version, below) < 0) continue;
    const named = requirements?.lines.find(({ text }) => new RegExp(`^${name}\\b`, "i").test(text));
    const message = `${name} ${version} does not get on with Cortex, which needs ${from} up to, but not including, ${below}`;
    throw new CortexError("PACKAGES_FAILED", message, {
      ...(named && { at: { file: named.file, line: named.line, column: 1, text: named.text } }),
      hint: named
        ? `ask for ${name}>=${from},<${below}, or drop the line: Cortex brings its own ${name}`
        : `another requirement, such as a pinned fastapi, holds ${name} there; allow another version of that`,
    });
  }
}

/** Compares the leading numbers of two versions. @returns below zero when `a` is older */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) => (/^\d+(\.\d+)*/.exec(version)?.[0] ?? "0").split(".").map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
