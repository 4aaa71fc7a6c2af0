import { Command } from "commander";
import type { ClusterList, ClusterSummary } from "../../core/cloud-cluster.ts";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { type OutputFormat, show, type View } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { checkRegion } from "./which-cluster.ts";

export interface ListFlags {
  readonly region?: readonly string[];
  readonly output: OutputFormat;
}

export function listCommand(app: App, run: typeof runList = runList): Command {
  const command = new Command("list")
    .summary("list the clusters on AWS, of all regions")
    .description("Lists the clusters that Cortex made in this AWS account, in all regions that it uses.")
    .option("-r, --region <region...>", "look in these regions only")
    .addOption(outputOption("pretty", "json", "yaml", "name"))
    .action((flags: ListFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster list", "the clusters of all regions"],
    ["cortex cluster list -r us-east-1 -o json", "those of one, for a program"],
  ]);
}

async function runList(app: App, { region, output }: ListFlags): Promise<void> {
  for (const one of region ?? []) checkRegion("-r ", one);
  await using clouds = await app.clouds();
  const { clusters, unread } = await sayWhenSlow(app, "looking into the regions", clouds.list(region, app.signal));
  await show(clusters, clustersView, output, app.terminal);
  const { stderr } = app.terminal;
  await stderr.write(unreadText(unread));
  if (clusters.some(({ status }) => status === "incomplete")) {
    await stderr.write(
      "what is incomplete costs money all the same: `cortex cluster down -n NAME -r REGION` removes it, `cortex cluster up` completes it\n",
    );
  }
}

/** Where a whole account is kept from some regions, all of them say the same. */
const mostReasons = 3;

function unreadText(unread: ClusterList["unread"]): string {
  const [first] = unread;
  if (!first || unread.length <= mostReasons) {
    return unread.map(({ region, message }) => `warning: ${region}: ${message}\n`).join("");
  }
  const names = unread.map(({ region }) => region).join(", ");
  return `warning: ${unread.length} regions could not be read: ${names}; the first says: ${first.message}\n`;
}

const clustersView: View<readonly ClusterSummary[]> = {
  table: (clusters) => [
    ["cluster", "region", "status", "kubernetes", "nodes"],
    ...clusters.map(({ name, region, status, kubernetesVersion, nodes }) => [
      name,
      region,
      status,
      kubernetesVersion,
      String(nodes),
    ]),
  ],
  json: (clusters) =>
    clusters.map(({ name, region, status, kubernetesVersion, nodes }) => ({
      name,
      region,
      status,
      kubernetes_version: kubernetesVersion,
      nodes,
    })),
  empty: "there are no clusters of Cortex: `cortex cluster up` makes one",
};
