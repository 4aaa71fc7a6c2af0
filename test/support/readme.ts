import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The lines for a shell in the section `Install` of README.md, as they are printed but for where releases come from.
 * @param url a server that has them
 */
export function printedInstallation(url: string): string {
  const text = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const section = text.split("\n## Install\n")[1]!.split("\n## ")[0]!;
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
  const lines = blocks.join("").replaceAll(/https:\/\/github\.com\/[\w-]+\/cortex\/releases(?=\/)/g, url);
  // These are run: nothing of them may come from anywhere else.
  if (blocks.length !== 1 || !lines.includes(url) || /https:/.test(lines.replaceAll(url, ""))) {
    throw new Error(`README.md would be installed from elsewhere: ${lines}`);
  }
  return lines;
}
