import { Command } from "commander";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { planJson, planText } from "../render/plan-view.ts";
import { jsonDocument } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { isUpToDate, upToDateText } from "./change-cluster.ts";
import { readClusterFile, withPlaces } from "./cluster-file.ts";
import { fileGiven } from "./which-cluster.ts";

export interface ClusterDiffFlags {
  readonly config?: string;
  readonly output: "pretty" | "json";
}

export function diffCommand(app: App, run: typeof runDiff = runDiff): Command {
  const command = new Command("diff")
    .summary("show what configure would change")
    .description(
      "Shows what `cortex cluster configure` would change, with its price, and changes nothing. Exit status: 0 no difference, " +
        "1 some, 2 or more an error.",
    )
    .argument("[file]", "what the cluster should be (default: ./cluster.yaml)")
    .option("-c, --config <file>", "the same as FILE")
    .addOption(outputOption("pretty", "json"))
    .action((file: string | undefined, flags: ClusterDiffFlags) => run(app, fileGiven(file, flags.config), flags));
  return withExamples(command, [
    ["cortex cluster diff", "what ./cluster.yaml would change"],
    ["cortex cluster diff production.yaml -o json", "the same for a program"],
  ]);
}

async function runDiff(app: App, file: string | undefined, { output }: ClusterDiffFlags): Promise<void> {
  const { stdout, stderr } = app.terminal;
  const parsed = await readClusterFile(app, file);
  await using clouds = await app.clouds();
  const planning = withPlaces(parsed, clouds.planConfigure(parsed.cluster, app.signal));
  const plan = await sayWhenSlow(app, "looking at what is there in AWS", planning);
  if (!isUpToDate(plan)) app.exitStatus = 1;
  if (output === "json") return stdout.write(jsonDocument(planJson(plan)));
  if (isUpToDate(plan)) return stderr.write(`${upToDateText(plan)}\n`);
  await stdout.write(planText(plan));
}
