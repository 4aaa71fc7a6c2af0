import { Command } from "commander";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { type ChangeFlags, changeCluster, upToDateText } from "./change-cluster.ts";
import { agreeOnEnvironment } from "./cluster-environment.ts";
import { hasClusterFile, readClusterFile, withPlaces } from "./cluster-file.ts";
import { clusterText, fileGiven } from "./which-cluster.ts";

export interface UpFlags extends ChangeFlags {
  readonly config?: string;
  readonly configureEnv?: string;
}

export function upCommand(app: App, run: typeof runUp = runUp): Command {
  const command = new Command("up")
    .summary("make a cluster on AWS, or complete one")
    .description(
      "Makes a cluster on AWS that is ready for `cortex deploy`: shows what would be made and what it costs, asks, makes it, and " +
        "configures an environment. Run again it makes what is missing, and goes on where it was interrupted.",
    )
    .argument("[file]", "what the cluster should be (default: ./cluster.yaml; without it a few questions are asked)")
    .option("-c, --config <file>", "the same as FILE")
    .option("-e, --configure-env <name>", "name of the environment (default: that of the cluster)")
    .option("--addons-dir <folder>", "take what goes into the cluster from here, not from the internet")
    .option("-y, --yes", "do not ask")
    .addOption(outputOption("pretty", "json"))
    .action((file: string | undefined, flags: UpFlags) => run(app, fileGiven(file, flags.config), flags));
  return withExamples(command, [
    ["cortex cluster up", "from ./cluster.yaml, or by a few questions"],
    ["cortex cluster up cluster.yaml -e production", "as an environment called production"],
    ["cortex cluster up cluster.yaml -y -o json", "in a script: asks nothing, prints one document"],
  ]);
}

async function runUp(app: App, file: string | undefined, flags: UpFlags): Promise<void> {
  const { askForCluster } = await import("./ask-cluster.ts");
  const isAsked = file === undefined && !hasClusterFile(app);
  const parsed = isAsked ? await askForCluster(app) : await readClusterFile(app, file);
  const id = { name: parsed.cluster.cluster_name, region: parsed.cluster.region };
  const environment = await agreeOnEnvironment(app, flags.configureEnv, id, flags.yes === true);
  await using clouds = await app.clouds(flags);
  const planning = withPlaces(parsed, clouds.planUp(parsed.cluster, app.signal));
  const plan = await sayWhenSlow(app, "looking at what is there in AWS", planning);
  const words = {
    question: "would you like to continue",
    done: `${clusterText(id)} is ready`,
    nothing: upToDateText(plan),
  };
  await changeCluster(app, clouds, plan, words, { ...flags, environment, placeOf: parsed.placeOf });
}
