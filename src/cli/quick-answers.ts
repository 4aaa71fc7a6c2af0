import { cortexVersion } from "../platform/installation.ts";

/** @returns what the shortest commands print, so that nothing has to be loaded for them; undefined for all others */
export async function quickAnswer(args: readonly string[]): Promise<string | undefined> {
  const [first, second] = args;
  if (args.length > 2) return undefined;
  if (first === "--version" || first === "-v") return `cortex ${cortexVersion()}\n`;
  if (first === undefined || (second === undefined && ["--help", "-h", "help"].includes(first))) {
    return (await import("./root-help.ts")).rootHelp();
  }
  if (first === "help" && second !== undefined) return (await import("./help-topics.ts")).helpTopics[second];
  if (first === "completion" && second !== undefined) {
    const { completionScript, shells } = await import("./completion-scripts.ts");
    const shell = shells.find((one) => one === second);
    return shell && completionScript(shell);
  }
  return undefined;
}
