/** @returns 34 of `1.34` @throws Error for what is no version of Kubernetes, which is a bug: files are checked before */
export function minorOf(version: string): number {
  const [, minor] = /^1\.(\d+)$/.exec(version) ?? [];
  if (minor === undefined) throw new Error(`${version} is no version of Kubernetes`);
  return Number(minor);
}

/** Orders by the numbers in them, older ones first: `1.9` before `1.10`, `v1.20.4-eksbuild.1` before `v1.20.4-eksbuild.2`. */
export function compareVersions(one: string, other: string): number {
  const [these, those] = [one, other].map((version) => (version.match(/\d+/g) ?? []).map(Number)) as [
    number[],
    number[],
  ];
  for (let index = 0; index < Math.max(these.length, those.length); index += 1) {
    const difference = (these[index] ?? 0) - (those[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
