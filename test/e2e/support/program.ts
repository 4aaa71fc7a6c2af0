import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { projectRoot } from "../../../scripts/toolchain.mjs";

/** The program that is walked through: what a user gets. */
export interface Program {
  readonly file: string;
  /** As it is called in the name of a test. */
  readonly name: string;
  /** What has to stand before it so that this machine starts it; mostly nothing. */
  readonly before?: readonly string[];
  /** What it needs of variables to be started. */
  readonly env?: Readonly<Record<string, string>>;
  /** The system that it is for, where that is not the one that tests run on. */
  readonly target?: string;
  /** Whether it is emulated: its commands take seconds. */
  readonly isSlow?: boolean;
}

const platform = process.platform === "win32" ? "win" : process.platform;
const suffix = process.platform === "win32" ? ".exe" : "";

/** @returns where `npm run package` leaves the binary of a target */
export function packagedFor(target: string, ending = suffix): string {
  return join(projectRoot, "dist/package", target, `cortex${ending}`);
}

/** The one that CORTEX_TEST_BINARY names, else the packaged binary of this machine, else `dist/cortex`. @throws when none is there */
export function programUnderTest(): Program {
  const named = process.env.CORTEX_TEST_BINARY;
  const packaged = packagedFor(`${platform}-${process.arch}`);
  const built = join(projectRoot, process.platform === "win32" ? "dist/cortex.cmd" : "dist/cortex");
  const file = named || [packaged, built].find((one) => existsSync(one));
  if (!file) throw new Error("there is no program to walk through: npm run build");
  return { file, name: relative(projectRoot, file) };
}
