import type { Project, ProjectFile } from "../core/environment.ts";

/** From here on it is likely that something got in by mistake: a data set, a virtual environment, an old model. */
const manyFiles = 1_000;
const manyBytes = 32 * 2 ** 20;
const namedFiles = 3;

/** @returns what to ask before a project is deployed: one question that names every limit it is above, or none */
export function projectQuestions({ files, totalBytes }: Project): readonly string[] {
  if (files.length < manyFiles && totalBytes < manyBytes) return [];
  const largest = files.toSorted((a, b) => b.bytes - a.bytes).slice(0, namedFiles);
  const named = largest.map(({ path, bytes }) => `${path} ${formatBytes(bytes)}`).join(", ");
  const count = files.length.toLocaleString("en");
  return [`the project has ${count} files, ${formatBytes(totalBytes)} in all (largest: ${named}); deploy all of it?`];
}

/** @returns remarks on files that another system would not keep apart: one per group of names that differ only in case */
export function projectNotices({ files }: Project): readonly string[] {
  const groups = Map.groupBy(files, ({ path }) => path.toLowerCase());
  return [...groups.values()].filter((group) => group.length > 1).map(describeClash);
}

function describeClash(group: readonly ProjectFile[]): string {
  const names = group.map(({ path }) => path).join(" and ");
  return `${names} differ only in case: macOS and Windows take them for one file`;
}

function formatBytes(bytes: number): string {
  const [divisor, unit] = bytes < 2 ** 20 ? [2 ** 10, "KiB"] : bytes < 2 ** 30 ? [2 ** 20, "MiB"] : [2 ** 30, "GiB"];
  const amount = bytes / divisor;
  return `${amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount)} ${unit}`;
}
