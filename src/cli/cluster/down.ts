import { Command } from "commander";
import type { CloudClusters, CloudPlan, DownOptions, DownOutcome, Leftover } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { App } from "../app.ts";
import { outputOption, withExamples } from "../flags.ts";
import { confirm } from "../prompt.ts";
import { perHourAndMonthText } from "../render/cost-table.ts";
import { planJson, planText } from "../render/plan-view.ts";
import { jsonDocument } from "../render/show.ts";
import { walkReporter } from "../render/walk-reporter.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import type { ChangeFlags } from "./change-cluster.ts";
import { forgetEnvironments } from "./cluster-environment.ts";
import { failuresJson, reportFailures } from "./failures.ts";
import { type ClusterFlags, clusterText, whichCluster, withClusterFlags } from "./which-cluster.ts";

export interface DownFlags extends ChangeFlags, ClusterFlags {
  readonly keepAwsResources?: true;
}

export function downCommand(app: App, run: typeof runDown = runDown): Command {
  const command = withClusterFlags(new Command("down"))
    .summary("remove a cluster from AWS, and all that it costs")
    .description(
      "Removes a cluster from AWS: its APIs, nodes and network, and the load balancers, disks and network interfaces that " +
        "Kubernetes made for it. It ends by looking for what is left. Run again it goes on where it was interrupted.",
    )
    .option("--keep-aws-resources", "keep the bucket, the images, the logs and the persistent volumes")
    .option("-y, --yes", "do not ask")
    .addOption(outputOption("pretty", "json"))
    .action((flags: DownFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster down", "the cluster of ./cluster.yaml; shows what goes, then asks"],
    ["cortex cluster down -n cortex -r us-east-1", "one that is named"],
    ["cortex cluster down -y --keep-aws-resources", "without a question; what is stored stays"],
  ]);
}

async function runDown(app: App, flags: DownFlags): Promise<void> {
  const id = await whichCluster(app, flags);
  const isText = flags.output === "pretty";
  const options: DownOptions = { keepAwsResources: flags.keepAwsResources === true };
  await using clouds = await app.clouds();
  const plan = await sayWhenSlow(app, "looking at what is there in AWS", clouds.planDown(id, options, app.signal));
  await agree(app, plan, flags);
  app.leftBehind = `a part of ${clusterText(id)} is removed, the rest stays and costs; run the same command again to go on`;
  const outcome = await remove(app, clouds, plan, options, !isText);
  app.leftBehind = undefined;
  const isGone = outcome.failures.length === 0 && outcome.left.length === 0;
  const forgotten = isGone ? await forgetEnvironments(app, id) : [];
  if (!isText) await app.terminal.stdout.write(jsonDocument(outcomeJson(plan, outcome, forgotten)));
  await reportFailures(app, outcome.failures, "run the same command again to go on");
  await reportLeft(app, outcome);
  if (isText) await app.terminal.stderr.write(closingText(plan, outcome, isGone, forgotten));
}

async function agree(app: App, plan: CloudPlan, flags: DownFlags): Promise<void> {
  if (flags.output === "pretty" || !flags.yes) {
    await app.terminal.stderr.write(`${planText(plan)}${savingText(plan, flags)}\n`);
  }
  const question = `${clusterText(plan.cluster)} and all APIs in it will be removed; are you sure you want to continue?`;
  if (flags.yes || (await confirm(app, question, "-y"))) return;
  throw new CortexError("INTERRUPTED", "nothing was removed");
}

function savingText({ costNow }: CloudPlan, { keepAwsResources }: DownFlags): string {
  if (!costNow || costNow.perHour.max === 0) return "";
  const afterwards = keepAwsResources ? "only what is stored costs" : "nothing of it costs";
  return `it costs ${perHourAndMonthText(costNow.perHour)} now; afterwards ${afterwards}\n`;
}

async function remove(
  app: App,
  clouds: CloudClusters,
  plan: CloudPlan,
  options: DownOptions,
  isQuiet: boolean,
): Promise<DownOutcome> {
  await using reporter = walkReporter(app, isQuiet, plan);
  return await clouds.down(plan, options, (event) => reporter.event(event), app.signal);
}

async function reportLeft(app: App, { left }: DownOutcome): Promise<void> {
  if (left.length === 0) return;
  app.exitStatus ||= 1;
  const lines = left.map((one) => `  ${leftoverText(one)}\n`);
  await app.terminal.stderr.write(`still there:\n${lines.join("")}run the same command again to remove it\n`);
}

function leftoverText({ what, label, perHour }: Leftover): string {
  return `${what} ${label}${perHour === undefined ? "" : `, $${perHour.toFixed(3)} per hour`}`;
}

function closingText(
  { cluster }: CloudPlan,
  { kept }: DownOutcome,
  isGone: boolean,
  forgotten: readonly string[],
): string {
  const lines = [
    ...kept.map((one) => `kept: ${leftoverText(one)}`),
    ...(isGone
      ? [
          `${clusterText(cluster)} is gone: ${kept.length === 0 ? "nothing of it is left" : "only what is kept is left"}`,
        ]
      : []),
    ...forgotten.map((name) => `environment ${name} is forgotten`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function outcomeJson(plan: CloudPlan, { failures, left, kept }: DownOutcome, forgotten: readonly string[]): unknown {
  return {
    ...(planJson(plan) as object),
    failures: failuresJson(failures),
    left: left.map(leftoverJson),
    kept: kept.map(leftoverJson),
    environments_removed: forgotten,
  };
}

function leftoverJson({ what, label, perHour }: Leftover): unknown {
  return { what, label, ...(perHour !== undefined && { per_hour: perHour }) };
}
