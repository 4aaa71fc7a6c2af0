import { Command } from "commander";
import { plan } from "../core/deploy.ts";
import type { App } from "./app.ts";
import { deployPorts, printWarnings } from "./deploy.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "./flags.ts";
import { changesJson, changesText } from "./render/change-view.ts";
import { jsonDocument } from "./render/show.ts";

export interface DiffFlags extends EnvFlag {
  readonly output: "pretty" | "json";
}

export function diffCommand(app: App, run: typeof runDiff = runDiff): Command {
  const command = new Command("diff")
    .description(
      "Shows what `cortex deploy` would change, and changes nothing. Exit status: 0 no difference, 1 some, 2 or more an error.",
    )
    .argument("[file]", "configuration file, or a folder that holds cortex.yaml", "cortex.yaml")
    .addOption(envOption())
    .addOption(outputOption("pretty", "json"))
    .action((file: string, flags: DiffFlags) => run(app, file, flags));
  return withExamples(command, [
    ["cortex diff", "what ./cortex.yaml would change"],
    ["cortex diff -o json -e production", "the same for a program, and another environment"],
  ]);
}

async function runDiff(app: App, file: string, { env, output }: DiffFlags): Promise<void> {
  const ports = await deployPorts(app, await app.environment(env), false);
  const planned = await plan(file, ports, app.signal);
  await printWarnings(app, planned);
  const { changes } = planned;
  await app.terminal.stdout.write(output === "json" ? jsonDocument(changesJson(changes)) : changesText(changes));
  if (changes.some(({ change }) => change !== "unchanged")) app.exitStatus = 1;
}
