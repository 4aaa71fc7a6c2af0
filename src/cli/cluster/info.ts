import { Command } from "commander";
import type { App } from "../app.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "../flags.ts";
import { cloudInfoView } from "../render/cloud-info-view.ts";
import { type OutputFormat, show } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { type ClusterFlags, whichCluster, withClusterFlags } from "./which-cluster.ts";

export interface InfoFlags extends ClusterFlags, EnvFlag {
  readonly output: OutputFormat;
}

export function infoCommand(app: App, run: typeof runInfo = runInfo): Command {
  const command = withClusterFlags(new Command("info"))
    .summary("show a cluster: addresses, nodes, what it costs now, and which API costs what")
    .description(
      "Shows a cluster on AWS: its addresses, what it costs now, its nodes with what is asked of them, and what each API costs.",
    )
    .addOption(envOption())
    .addOption(outputOption("pretty", "json", "yaml"))
    .action((flags: InfoFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster info", "the cluster of ./cluster.yaml"],
    ["cortex cluster info -n cortex -r us-east-1", "a cluster by its name"],
    ["cortex cluster info -e production -o json", "for a program"],
  ]);
}

async function runInfo(app: App, flags: InfoFlags): Promise<void> {
  const cluster = await whichCluster(app, flags);
  await using clouds = await app.clouds();
  const info = await sayWhenSlow(app, "looking at the cluster", clouds.info(cluster, app.signal));
  await show(info, cloudInfoView, flags.output, app.terminal);
  for (const warning of info.warnings) await app.terminal.stderr.write(`warning: ${warning}\n`);
}
