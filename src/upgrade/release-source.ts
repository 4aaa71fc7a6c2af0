import { CortexError } from "../core/errors.ts";
import { compareVersions, parseVersion } from "../core/program-update.ts";
import { releasesUrl } from "../platform/releases.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** SHA-256, in hex, by file name. */
export type Checksums = ReadonlyMap<string, string>;

/**
 * Where releases come from: `CORTEX_RELEASES_URL`, for a mirror, else the project's own.
 * @throws USAGE unless it is https, or http on this machine
 */
export function releaseSource(variables: Variables): string {
  const named = variables.CORTEX_RELEASES_URL;
  if (!named) return releasesUrl;
  const url = URL.canParse(named) ? new URL(named) : undefined;
  if (url?.username || url?.password) {
    throw new CortexError(
      "USAGE",
      "CORTEX_RELEASES_URL has a user name or a password in it, from which no program is taken",
      {
        hint: "name an https:// address without them, or unset it",
      },
    );
  }
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url));
  // Names of files are put behind it.
  if (isSafe && !url.search && !url.hash) return named.replace(/\/+$/, "");
  throw new CortexError("USAGE", `CORTEX_RELEASES_URL is ${named}, from which no program is taken`, {
    hint: "name an https:// address, or unset it; http:// is for this machine alone",
  });
}

/** Whether `url` is on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(hostname) || ["localhost", "[::1]"].includes(hostname);
}

/** @param version undefined for the newest */
export function releaseFileUrl(source: string, version: string | undefined, file: string): string {
  return version === undefined ? `${source}/latest/download/${file}` : `${source}/download/v${version}/${file}`;
}

/** Reads lines as `sha256sum` writes them; others are left out. */
export function parseChecksums(text: string): Checksums {
  const lines = text.split("\n").map((line) => /^([0-9a-f]{64}) [ *]([^\s/\\]+)\r?$/.exec(line));
  return new Map(lines.filter((line) => line !== null).map(([, sha256, file]) => [file!, sha256!]));
}

/** What an archive unpacks to. */
export function archiveFolder(version: string, target: string): string {
  return `cortex-${version}-${target}`;
}

/** The archive that is unpacked here: one that Node reads by itself. */
export function archiveName(version: string, target: string): string {
  return `${archiveFolder(version, target)}.${target.startsWith("win-") ? "zip" : "tar.gz"}`;
}

/** @returns the newest version that `sums` have an archive of for `target`; undefined when there is none */
export function newestVersion(sums: Checksums, target: string): string | undefined {
  const versions = [...sums.keys()].flatMap((file) => {
    const version = parseVersion(/^cortex-(.+)$/.exec(file)?.[1]?.split(`-${target}.`)[0] ?? "");
    return version !== undefined && file === archiveName(version, target) ? [version] : [];
  });
  return versions.toSorted(compareVersions).at(-1);
}
