/** How the program that runs came to be on this machine; what brought it also replaces it. */
export type InstalledBy = "file" | "source" | "homebrew" | "scoop" | "winget" | "npm";

export interface InstalledProgram {
  readonly version: string;
  readonly by: InstalledBy;
}

/** How far a download is; `totalBytes` is undefined where the server does not say. */
export interface DownloadProgress {
  readonly bytes: number;
  readonly totalBytes: number | undefined;
}

/** Where newer versions of this program come from, and how one takes the place of another. */
export interface ProgramUpdates {
  readonly installed: InstalledProgram;
  /** @throws NOT_SUPPORTED where something else installed the program, with what to run instead; NOT_WRITABLE */
  checkReplaceable(): Promise<void>;
  /** The newest version that is released for this system. @throws FAILED, USAGE for an address that is none */
  newest(signal: AbortSignal): Promise<string>;
  /**
   * Puts `version` in the place of the program that runs, whole or not at all.
   * @throws what `checkReplaceable` throws, DISK_FULL, FAILED
   */
  install(version: string, onProgress: (progress: DownloadProgress) => void, signal: AbortSignal): Promise<void>;
}

const pattern = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

/** @returns `text` as releases are named, without a leading `v`; undefined when it is no version */
export function parseVersion(text: string): string | undefined {
  return pattern.test(text) ? text.replace(/^v/, "") : undefined;
}

/** Orders versions as semantic versioning does: below 0 when `a` is older than `b`. Both must be versions. */
export function compareVersions(a: string, b: string): number {
  const [numbersA, preA] = partsOf(a);
  const [numbersB, preB] = partsOf(b);
  for (const [index, number] of numbersA.entries()) {
    if (number !== numbersB[index]) return number - numbersB[index]!;
  }
  // What has no such mark is the release that the others led to.
  if (preA.length === 0 || preB.length === 0) return preB.length - preA.length;
  for (let index = 0; index < Math.max(preA.length, preB.length); index += 1) {
    const order = compareMarks(preA[index], preB[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function partsOf(version: string): readonly [numbers: readonly number[], marks: readonly string[]] {
  const [, major, minor, patch, marks] = pattern.exec(version)!;
  return [[Number(major), Number(minor), Number(patch)], marks?.split(".") ?? []];
}

function compareMarks(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const areNumbers = [a, b].map((mark) => /^\d+$/.test(mark));
  if (areNumbers[0] && areNumbers[1]) return Number(a) - Number(b);
  if (areNumbers[0] !== areNumbers[1]) return areNumbers[0] ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
