import type { Check } from "../../core/check.ts";
import type { CloudClusters, CloudPlan, UpOutcome } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { ParsedCluster } from "../../spec/parse-cluster.ts";
import type { App } from "../app.ts";
import { confirm } from "../prompt.ts";
import { planJson, planText } from "../render/plan-view.ts";
import { jsonDocument } from "../render/show.ts";
import { walkReporter } from "../render/walk-reporter.ts";
import { configureEnvironment } from "./cluster-environment.ts";
import { placedFailures } from "./cluster-file.ts";
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
 * @param placeOf where a field of the cluster's file stands; undefined: it comes from no file
 */
export async function changeCluster(
  app: App,
  clouds: CloudClusters,
  plan: CloudPlan,
  words: ChangeWords,
  flags: ChangeFlags & { readonly environment?: string; readonly placeOf?: ParsedCluster["placeOf"] },
): Promise<void> {
  const isText = flags.output === "pretty";
  const { stdout, stderr } = app.terminal;
  if (isUpToDate(plan)) {
    if (isText) await stderr.write(`${words.nothing}\n`);
  } else await agree(app, plan, words, flags);
  app.leftBehind = leftBehindBy(plan);
  const walked = await walk(app, clouds, plan, !isText);
  const outcome = flags.placeOf ? { ...walked, failures: placedFailures(walked.failures, flags.placeOf) } : walked;
  app.leftBehind = undefined;
  const { reachable, failures, apiEndpoint } = outcome;
  const environment = reachable && flags.environment;
  if (reachable && environment) await configureEnvironment(app, environment, reachable);
  const isDone = failures.length === 0;
  const checks = isDone && !isUpToDate(plan) ? await clouds.health(plan.cluster, app.signal) : [];
  if (!isText) await stdout.write(jsonDocument(outcomeJson(plan, { outcome, environment, checks })));
  await reportFailures(app, failures, "run the same command again to go on");
  await reportChecks(app, checks);
  if (!isText) return;
  if (isDone && !isUpToDate(plan)) await stderr.write(`${words.done}\n`);
  if (apiEndpoint !== undefined) await stderr.write(`APIs are reached at ${apiEndpoint}\n`);
  if (isDone) await stderr.write(nextText(environment));
}

/** Of a cluster that was just changed: what is not as it should be all the same. */
async function reportChecks(app: App, checks: readonly Check[]): Promise<void> {
  for (const { name, status, message, fix } of checks) {
    if (status === "ok") continue;
    await app.terminal.stderr.write(`warning: ${name}: ${message}\n${fix === undefined ? "" : `hint: ${fix}\n`}`);
    if (status === "fail") app.exitStatus ||= 1;
  }
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

interface Told {
  readonly outcome: UpOutcome;
  readonly environment: string | undefined;
  readonly checks: readonly Check[];
}

function outcomeJson(plan: CloudPlan, { outcome, environment, checks }: Told): unknown {
  const { failures, reachable, apiEndpoint } = outcome;
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
    health: checks.map(({ name, status, message }) => ({ name, status, message })),
  };
}

export function upToDateText(plan: CloudPlan): string {
  return `${clusterText(plan.cluster)} is already up to date`;
}
