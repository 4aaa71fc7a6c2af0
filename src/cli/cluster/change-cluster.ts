import type { CloudClusters, CloudPlan, UpOutcome } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { App } from "../app.ts";
import { confirm } from "../prompt.ts";
import { planJson, planText } from "../render/plan-view.ts";
import { jsonDocument } from "../render/show.ts";
import { walkReporter } from "../render/walk-reporter.ts";
import { configureEnvironment } from "./cluster-environment.ts";
import { failuresJson, reportFailures } from "./failures.ts";
import { clusterText } from "./which-cluster.ts";

export interface ChangeFlags {
  readonly yes?: true;
  readonly output: "pretty" | "json";
  readonly addonsDir?: string;
}

export interface ChangeWords {
  /** Asked after the plan: `make cluster cortex in us-east-1`. */
  readonly question: string;
  /** Said when all is done. */
  readonly done: string;
  /** Said, on asking for nothing that is not so. */
  readonly nothing: string;
}

/** @returns whether doing `plan` changes nothing in AWS */
export function isUpToDate({ changes }: CloudPlan): boolean {
  return changes.every(({ action }) => action === "keep");
}

/**
 * Shows a plan, asks, does it, and makes the cluster an environment as soon as it can be reached, so that what failed can be looked
 * into. Sets the exit status when a part of it failed.
 * @param environment name of that environment; undefined: none is configured
 */
export async function changeCluster(
  app: App,
  clouds: CloudClusters,
  plan: CloudPlan,
  words: ChangeWords,
  flags: ChangeFlags & { readonly environment?: string },
): Promise<void> {
  const isText = flags.output === "pretty";
  const { stdout, stderr } = app.terminal;
  if (isUpToDate(plan)) {
    if (isText) await stderr.write(`${words.nothing}\n`);
  } else await agree(app, plan, words, flags);
  app.leftBehind = leftBehindBy(plan);
  const outcome = await walk(app, clouds, plan, !isText);
  app.leftBehind = undefined;
  const { reachable } = outcome;
  const environment = reachable && flags.environment;
  if (reachable && environment) await configureEnvironment(app, environment, reachable);
  if (!isText) await stdout.write(jsonDocument(outcomeJson(plan, outcome, environment)));
  await reportFailures(app, outcome.failures, "run the same command again to go on");
  if (!isText) return;
  if (outcome.failures.length === 0) await stderr.write(`${words.done}\n`);
  if (outcome.apiEndpoint !== undefined) await stderr.write(`APIs are reached at ${outcome.apiEndpoint}\n`);
  if (outcome.failures.length === 0) await stderr.write(nextText(environment));
}

async function agree(app: App, plan: CloudPlan, { question }: ChangeWords, flags: ChangeFlags): Promise<void> {
  const isShown = flags.output === "pretty" || !flags.yes;
  if (isShown) await app.terminal.stderr.write(`${planText(plan)}\n`);
  if (flags.yes || (await confirm(app, `${question}?`, "-y"))) return;
  throw new CortexError("INTERRUPTED", "nothing was changed");
}

async function walk(app: App, clouds: CloudClusters, plan: CloudPlan, isQuiet: boolean): Promise<UpOutcome> {
  await using reporter = walkReporter(app, isQuiet, plan);
  return await clouds.apply(plan, (event) => reporter.event(event), app.signal);
}

/** What a run that is interrupted leaves, and how to go on or back. */
export function leftBehindBy({ cluster }: CloudPlan): string {
  const { name, region } = cluster;
  return (
    "what is made so far stays, and what AWS is making goes on; " +
    `run the same command again to go on, or \`cortex cluster down -n ${name} -r ${region}\` to remove it`
  );
}

function nextText(environment: string | undefined): string {
  if (environment === undefined) return "";
  return `environment ${environment} is configured: cortex deploy -e ${environment}\n`;
}

function outcomeJson(
  plan: CloudPlan,
  { failures, reachable, apiEndpoint }: UpOutcome,
  environment: string | undefined,
): unknown {
  return {
    ...(planJson(plan) as object),
    ...(reachable && {
      endpoint: reachable.endpoint,
      account_id: reachable.accountId,
      registry: reachable.registry,
    }),
    ...(apiEndpoint !== undefined && { api_endpoint: apiEndpoint }),
    ...(environment !== undefined && { environment }),
    failures: failuresJson(failures),
  };
}

export function upToDateText(plan: CloudPlan): string {
  return `${clusterText(plan.cluster)} is already up to date`;
}
