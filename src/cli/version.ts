import { Command, Option } from "commander";
import { buildId, cortexVersion } from "../platform/installation.ts";
import type { App } from "./app.ts";
import { outputOption, withExamples } from "./flags.ts";
import { jsonDocument } from "./render/show.ts";

export interface VersionFlags {
  readonly output: "pretty" | "json";
}

export function versionCommand(app: App, run: typeof runVersion = runVersion): Command {
  const command = new Command("version")
    .description("Prints the version of this program. Other programs are called cortex too; this one serves models.")
    .addOption(outputOption("pretty", "json"))
    // Asked for the version of an operator, which there is none of.
    .addOption(new Option("-e, --env <name>").hideHelp())
    .action((flags: VersionFlags) => run(app, flags));
  return withExamples(command, [["cortex version -o json", "for a program"]]);
}

async function runVersion(app: App, { output }: VersionFlags): Promise<void> {
  const version = cortexVersion();
  const build = buildId();
  const platform = `${process.platform}-${process.arch}`;
  const node = process.versions.node;
  const text = `cortex ${version}, which turns Python models into web APIs\nbuild: ${build}\nplatform: ${platform}, Node ${node}\n`;
  await app.terminal.stdout.write(output === "json" ? jsonDocument({ version, build, platform, node }) : text);
}
