import { Command } from "commander";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { type ChangeFlags, changeCluster, upToDateText } from "./change-cluster.ts";
import { type ClusterFlags, clusterText, whichCluster, withClusterFlags } from "./which-cluster.ts";

export interface UpgradeFlags extends ChangeFlags, ClusterFlags {
  readonly version?: string;
}

export function upgradeCommand(app: App, run: typeof runUpgrade = runUpgrade): Command {
  const command = withClusterFlags(new Command("upgrade"))
    .summary("raise the Kubernetes version of a cluster on AWS")
    .description(
      "Raises the Kubernetes version of a cluster on AWS by one: its control plane, then its add-ons, then its nodes, one after " +
        "the other, while APIs go on serving. A version once raised does not go back.",
    )
    .option("--version <version>", "version to reach, e.g. 1.35 (default: the next one)")
    .option("--addons-dir <folder>", "take what goes into the cluster from here, not from the internet")
    .option("-y, --yes", "do not ask")
    .addOption(outputOption("pretty", "json"))
    .action((flags: UpgradeFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster upgrade", "the cluster of ./cluster.yaml, to the next version"],
    ["cortex cluster upgrade -n cortex -r us-east-1 --version 1.35", "one that is named"],
  ]);
}

async function runUpgrade(app: App, flags: UpgradeFlags): Promise<void> {
  const id = await whichCluster(app, flags);
  await using clouds = await app.clouds(flags);
  const planning = clouds.planUpgrade(id, flags.version, app.signal);
  const plan = await sayWhenSlow(app, "looking at what is there in AWS", planning);
  const words = {
    question: "would you like to continue",
    done: `${clusterText(id)} is upgraded`,
    nothing: upToDateText(plan),
  };
  await changeCluster(app, clouds, plan, words, flags);
}
