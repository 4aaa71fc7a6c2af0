import { CortexError } from "../core/errors.ts";
import type { InstalledBy } from "../core/program-update.ts";
import { repositoryUrl } from "../platform/installation.ts";
import { npmScopeOf } from "../platform/releases.ts";

/**
 * Tells by where the program lies what installed it.
 * @param executable without symbolic links, with slashes or backslashes
 */
export function installedBy(executable: string, isPackaged: boolean): InstalledBy {
  const path = executable.replaceAll("\\", "/");
  if (!isPackaged) return "source";
  if (path.includes("/node_modules/")) return "npm";
  if (/\/Cellar\/[^/]+\//.test(path)) return "homebrew";
  if (/\/scoop\/apps\//i.test(path)) return "scoop";
  if (/\/WinGet\/Packages\//i.test(path)) return "winget";
  return "file";
}

/** What to run instead, where `cortex upgrade` would change what another program keeps account of. */
const instead: Readonly<Record<Exclude<InstalledBy, "file">, readonly [installed: string, command: string]>> = {
  source: ["this cortex runs from its sources", "`git pull && npm ci && npm run build`, in the folder of Cortex"],
  homebrew: ["this cortex was installed by Homebrew", "`brew update && brew upgrade cortex`"],
  scoop: ["this cortex was installed by scoop", "`scoop update cortex`"],
  winget: ["this cortex was installed by winget", "`winget upgrade cortex`"],
  npm: ["this cortex was installed by npm", `\`npm install -g ${npmScopeOf(repositoryUrl())}/cortex@latest\``],
};

/** @throws NOT_SUPPORTED unless the program is a file of its own */
export function checkReplaceable(by: InstalledBy): void {
  if (by === "file") return;
  const [installed, command] = instead[by];
  throw new CortexError("NOT_SUPPORTED", `${installed}, which also upgrades it`, { hint: command });
}
