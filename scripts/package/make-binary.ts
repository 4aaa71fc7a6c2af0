import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nodeFlags } from "../build/launchers.ts";
import { projectNode, run } from "../toolchain.mjs";
import type { Assets } from "./assets.ts";
import { readBase } from "./bases.ts";
import { signBinary } from "./sign-binary.ts";
import { stripAuthenticode } from "./strip-authenticode.ts";
import { stripElf } from "./strip-elf.ts";
import type { Target } from "./targets.ts";

export interface MadeBinary {
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/** Makes the executable for `target` at `file`: a reader finds the old one or the new one. */
export async function makeBinary(target: Target, assets: Assets, file: string): Promise<MadeBinary> {
  await mkdir(dirname(file), { recursive: true });
  const work = await mkdtemp(join(dirname(dirname(file)), "partial-"));
  try {
    const made = join(work, target.file);
    await inject(target, assets, work, made);
    await signBinary(target, made);
    await chmod(made, 0o755);
    const bytes = await readFile(made);
    await rename(made, file);
    return { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The base without what the injection would break, or that only debuggers read. */
export function prepareBase({ format }: Pick<Target, "format">, base: Buffer): Buffer {
  if (format === "elf") return stripElf(base);
  return format === "pe" ? stripAuthenticode(base) : base;
}

/** Node does it itself. Paths in the settings are relative, since that of the script gets into the executable. */
async function inject(target: Target, { main, files }: Assets, work: string, output: string): Promise<void> {
  await writeFile(join(work, "base"), prepareBase(target, await readBase(target)), { mode: 0o755 });
  await writeFile(join(work, "main.cjs"), main);
  const names = Object.keys(files).sort();
  for (const name of names) await writeFile(join(work, name), files[name]!);
  const settings = {
    main: "main.cjs",
    mainFormat: "commonjs",
    executable: "base",
    output,
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    useSnapshot: false,
    execArgv: nodeFlags,
    // Else a NODE_OPTIONS that is meant for other programs would be obeyed.
    execArgvExtension: "none",
    assets: Object.fromEntries(names.map((name) => [name, name])),
  };
  await writeFile(join(work, "sea.json"), JSON.stringify(settings));
  const status = await run(projectNode(), ["--build-sea", "sea.json"], { cwd: work, stdio: ["ignore", "ignore", 2] });
  if (status !== 0) throw new Error(`node --build-sea failed for ${target.name} with status ${status}`);
}
