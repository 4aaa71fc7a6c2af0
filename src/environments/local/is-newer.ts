/**
 * @returns whether the program `ours` should take the place of `running`: a later version, or another build of the same
 * version, which is what somebody who works on Cortex has just built
 */
export function isNewer(
  ours: { readonly version: string; readonly build: string },
  running: { readonly version: string; readonly build: string },
): boolean {
  const difference = compareVersions(ours.version, running.version);
  return difference > 0 || (difference === 0 && ours.build !== running.build);
}

/** Compares `1.2.3`-like versions by their numbers; what follows a hyphen is not looked at. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split("-")[0]!.split(".").map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (left![index] ?? 0) - (right![index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
