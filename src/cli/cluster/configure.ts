import { Command } from "commander";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { type ChangeFlags, changeCluster, upToDateText } from "./change-cluster.ts";
import { readClusterFile, withPlaces } from "./cluster-file.ts";
import { clusterText, fileGiven } from "./which-cluster.ts";

export interface ConfigureFlags extends ChangeFlags {
  readonly config?: string;
}

export function configureCommand(app: App, run: typeof runConfigure = runConfigure): Command {
  const command = new Command("configure")
    .summary("change a cluster on AWS to what its file says")
    .description(
      "Changes a cluster on AWS to what its file says: node groups that are added, removed or resized, their priorities, white " +
        "lists, certificate, tags. What would change is shown first.",
    )
    .argument("[file]", "what the cluster should be (default: ./cluster.yaml)")
    .option("-c, --config <file>", "the same as FILE")
    .option("--addons-dir <folder>", "take what goes into the cluster from here, not from the internet")
    .option("-y, --yes", "do not ask")
    .addOption(outputOption("pretty", "json"))
    .action((file: string | undefined, flags: ConfigureFlags) => run(app, fileGiven(file, flags.config), flags));
  return withExamples(command, [
    ["cortex cluster configure", "change the cluster to what ./cluster.yaml says"],
    ["cortex cluster configure cluster.yaml -y", "without a question"],
    ["cortex cluster diff cluster.yaml", "only show what would change"],
  ]);
}

async function runConfigure(app: App, file: string | undefined, flags: ConfigureFlags): Promise<void> {
  const parsed = await readClusterFile(app, file);
  await using clouds = await app.clouds(flags);
  const planning = withPlaces(parsed, clouds.planConfigure(parsed.cluster, app.signal));
  const plan = await sayWhenSlow(app, "looking at what is there in AWS", planning);
  const words = {
    question: "would you like to continue",
    done: `${clusterText(plan.cluster)} is configured`,
    nothing: upToDateText(plan),
  };
  await changeCluster(app, clouds, plan, words, { ...flags, placeOf: parsed.placeOf });
}
