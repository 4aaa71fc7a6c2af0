/**
 * The one time that everything in a release bears: `SOURCE_DATE_EPOCH`, else that of the commit.
 * @returns seconds since the epoch, even ones since a zip archive knows no others
 */
export function releaseTime(variables: Readonly<Record<string, string | undefined>>, commitTime: () => string): number {
  const seconds = Number.parseInt(variables.SOURCE_DATE_EPOCH || commitTime(), 10);
  if (!Number.isSafeInteger(seconds)) throw new Error("SOURCE_DATE_EPOCH is no number of seconds");
  return seconds - (seconds % 2);
}
