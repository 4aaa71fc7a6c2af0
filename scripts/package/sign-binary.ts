import { readFile, writeFile } from "node:fs/promises";
import { run } from "../toolchain.mjs";
import { signMacos } from "./sign-macos.ts";
import { fixPeChecksum } from "./strip-authenticode.ts";
import type { Target } from "./targets.ts";

/** What the macOS binary calls itself in its signature. */
const identifier = "dev.cortex.cli";

/** Commands that sign for the release owner; `{}` in them stands for the file. Without them nobody vouches for it. */
const hooks = { macho: "CORTEX_SIGN_MACOS", pe: "CORTEX_SIGN_WINDOWS" } as const;

/**
 * Signs the executable at `file` as its system asks: macOS runs nothing without a signature, so it gets one for nobody. Where
 * CORTEX_SIGN_MACOS or CORTEX_SIGN_WINDOWS holds a shell command, that signs instead, e.g. `codesign -s "$IDENTITY" -o runtime {}`.
 * @throws Error when the command fails
 */
export async function signBinary({ format }: Target, file: string): Promise<void> {
  if (format === "elf") return;
  if (format === "macho") await writeFile(file, signMacos(await readFile(file), identifier));
  else await writeFile(file, fixPeChecksum(await readFile(file)));
  const command = process.env[hooks[format]];
  if (!command) return;
  const status = await run(command.replaceAll("{}", `"${file}"`), [], { shell: true, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`${hooks[format]} failed with status ${status}`);
}
