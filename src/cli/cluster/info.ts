import { Command } from "commander";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { cloudInfoView } from "../render/cloud-info-view.ts";
import { type OutputFormat, show } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { agreeOnEnvironment, configureEnvironment } from "./cluster-environment.ts";
import { type ClusterFlags, whichCluster, withClusterFlags } from "./which-cluster.ts";

export interface InfoFlags extends ClusterFlags {
  readonly configureEnv?: string;
  readonly yes?: true;
  readonly output: OutputFormat;
}

export function infoCommand(app: App, run: typeof runInfo = runInfo): Command {
  const command = withClusterFlags(new Command("info"))
    .summary("show a cluster, and what it costs now by API")
    .description(
      "Shows a cluster on AWS: its addresses, what it costs now, its nodes with what is asked of them, and what each API costs.",
    )
    .option("--env <name>", "environment that is the cluster, in place of a file")
    .option("-e, --configure-env <name>", "make the cluster an environment of that name, too")
    .option("-y, --yes", "do not ask before an environment becomes this cluster")
    .addOption(outputOption("pretty", "json", "yaml"))
    .action((flags: InfoFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster info", "the cluster of ./cluster.yaml"],
    ["cortex cluster info -n cortex -r us-east-1", "a cluster by its name"],
    ["cortex cluster info -n cortex -r us-east-1 -e prod", "and make it an environment of this machine"],
    ["cortex cluster info --env prod -o json", "for a program"],
  ]);
}

async function runInfo(app: App, flags: InfoFlags): Promise<void> {
  const cluster = await whichCluster(app, flags);
  const { configureEnv, yes } = flags;
  const environment = configureEnv && (await agreeOnEnvironment(app, configureEnv, cluster, yes === true));
  await using clouds = await app.clouds();
  const info = await sayWhenSlow(app, "looking at the cluster", clouds.info(cluster, app.signal));
  await show(info, cloudInfoView, flags.output, app.terminal);
  const { stderr } = app.terminal;
  for (const warning of info.warnings) await stderr.write(`warning: ${warning}\n`);
  if (!environment) return;
  await configureEnvironment(app, environment, await clouds.reach(cluster, app.signal));
  await stderr.write(`environment ${environment} is configured: cortex deploy -e ${environment}\n`);
}
