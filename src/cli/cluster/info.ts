import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import type { CloudClusters, CloudInfo, ClusterId } from "../../core/cloud-cluster.ts";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { cloudInfoView } from "../render/cloud-info-view.ts";
import { clusterConfigJson, clusterConfigText } from "../render/cluster-config-text.ts";
import { jsonDocument, type OutputFormat, show } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { agreeOnEnvironment, configureEnvironment } from "./cluster-environment.ts";
import { type ClusterFlags, whichCluster, withClusterFlags } from "./which-cluster.ts";

export interface InfoFlags extends ClusterFlags {
  readonly configureEnv?: string;
  readonly yes?: true;
  readonly printConfig?: true;
  readonly debug?: true;
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
    .option("--print-config", "print the cluster.yaml that describes the cluster as it is, and nothing else")
    .option("-d, --debug", "save what is known of the cluster to a file, to show to somebody else")
    .option("-y, --yes", "do not ask before an environment becomes this cluster")
    .addOption(outputOption("pretty", "json", "yaml"))
    .action((flags: InfoFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster info", "the cluster of ./cluster.yaml"],
    ["cortex cluster info -n cortex -r us-east-1", "a cluster by its name"],
    ["cortex cluster info -n cortex -r us-east-1 -e prod", "and make it an environment of this machine"],
    ["cortex cluster info --env prod -o json", "for a program"],
    ["cortex cluster info --env prod --print-config", "the cluster.yaml that it is as, when its file is lost"],
  ]);
}

async function runInfo(app: App, flags: InfoFlags): Promise<void> {
  const cluster = await whichCluster(app, flags);
  if (flags.printConfig) return printConfig(app, cluster, flags);
  const { configureEnv, yes } = flags;
  const environment = configureEnv && (await agreeOnEnvironment(app, configureEnv, cluster, yes === true));
  await using clouds = await app.clouds();
  const info = await sayWhenSlow(app, "looking at the cluster", clouds.info(cluster, app.signal));
  await show(info, cloudInfoView, flags.output, app.terminal);
  const { stderr } = app.terminal;
  await warn(app, info.warnings);
  if (flags.debug) await saveState(app, clouds, info);
  if (!environment) return;
  await configureEnvironment(app, environment, await clouds.reach(cluster, app.signal));
  await stderr.write(`environment ${environment} is configured: cortex deploy -e ${environment}\n`);
}

async function printConfig(app: App, cluster: ClusterId, { output }: InfoFlags): Promise<void> {
  await using clouds = await app.clouds();
  const config = await sayWhenSlow(app, "looking at the cluster", clouds.config(cluster, app.signal));
  const text = output === "json" ? jsonDocument(clusterConfigJson(config)) : await clusterConfigText(config);
  await app.terminal.stdout.write(text);
  await warn(app, config.warnings);
}

/** What a maintainer asks for first: nothing in it is secret. */
async function saveState(app: App, clouds: CloudClusters, info: CloudInfo): Promise<void> {
  const { cluster } = info;
  const [config, health] = await Promise.all([clouds.config(cluster, app.signal), clouds.health(cluster, app.signal)]);
  const file = `cortex-debug-${cluster.region}-${cluster.name}.json`;
  const state = {
    written_at: new Date(app.now()).toISOString(),
    info: cloudInfoView.json(info),
    health,
    config: clusterConfigJson(config),
    warnings: [...info.warnings, ...config.warnings],
  };
  await writeFile(resolve(app.workingFolder, file), jsonDocument(state));
  await app.terminal.stderr.write(`what is known of the cluster is in ${file}\n`);
}

async function warn(app: App, warnings: readonly string[]): Promise<void> {
  for (const warning of warnings) await app.terminal.stderr.write(`warning: ${warning}\n`);
}
