import { Command } from "commander";
import type { Check } from "../../core/check.ts";
import type { ClusterId } from "../../core/cloud-cluster.ts";
import type { AddonHealth, ClusterAdmin } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { App } from "../app.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "../flags.ts";
import { show, type View } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { hasClusterFile } from "./cluster-file.ts";
import { type ClusterFlags, whichCluster } from "./which-cluster.ts";

export interface HealthFlags extends ClusterFlags, EnvFlag {
  readonly output: "pretty" | "json";
}

interface Health {
  /** What belongs to AWS; empty for a cluster that is none of AWS's. */
  readonly cloud: readonly Check[];
  readonly addons: readonly AddonHealth[];
  /** Why the cluster itself could not be asked. */
  readonly failure?: CortexError;
}

export function healthCommand(app: App, run: typeof runHealth = runHealth): Command {
  const command = new Command("health")
    .summary("show whether all of it works")
    .description(
      "Shows whether what APIs use of the cluster works; of one on AWS also its control plane, node groups and add-ons. Exit status 1: something of it is down.",
    )
    .addOption(envOption())
    .option("-c, --config <file>", "cluster.yaml of a cluster on AWS (default: ./cluster.yaml)")
    .option("-n, --name <name>", "name of a cluster on AWS, in place of an environment")
    .option("-r, --region <region>", "its region (default: $AWS_REGION)")
    .addOption(outputOption("pretty", "json"))
    .action((flags: HealthFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster health -e production", "a row per component"],
    ["cortex cluster health -n cortex -r us-east-1", "of a cluster on AWS that is no environment yet"],
    ["cortex cluster health -e production -o json", "whether each one works"],
  ]);
}

async function runHealth(app: App, flags: HealthFlags): Promise<void> {
  const health = await sayWhenSlow(app, "looking at the cluster", readHealth(app, flags));
  const { cloud, addons, failure } = health;
  await show(health, healthView, flags.output, app.terminal);
  const hints = [
    ...cloud.map(({ name, fix }) => ({ name, hint: fix })),
    ...addons,
    ...(failure ? [{ name: "kubernetes", hint: failure.hint }] : []),
  ];
  for (const { name, hint } of hints) {
    if (hint !== undefined) await app.terminal.stderr.write(`${name}: ${hint}\n`);
  }
  const isDown = addons.some(({ status }) => status === "down") || cloud.some(({ status }) => status === "fail");
  if (isDown || failure) app.exitStatus = 1;
}

async function readHealth(app: App, flags: HealthFlags): Promise<Health> {
  const cluster = await cloudClusterOf(app, flags);
  if (!cluster) {
    await using admin = await app.cluster(flags.env);
    return { cloud: [], addons: await admin.health(app.signal) };
  }
  const [cloud, inside] = await Promise.all([
    checkCloud(app, cluster),
    checkInside(app, () => (isOfFlagsOrFile(app, flags) ? app.cloudCluster(cluster) : app.cluster(flags.env))),
  ]);
  return { cloud, ...inside };
}

async function checkCloud(app: App, cluster: ClusterId): Promise<readonly Check[]> {
  await using clouds = await app.clouds();
  return await clouds.health(cluster, app.signal);
}

/** A cluster that does not answer is what somebody who asks for its health wants to know, beside what AWS says of it. */
async function checkInside(app: App, connect: () => Promise<ClusterAdmin>): Promise<Omit<Health, "cloud">> {
  try {
    await using admin = await connect();
    return { addons: await admin.health(app.signal) };
  } catch (failure) {
    app.signal.throwIfAborted();
    if (!(failure instanceof CortexError)) throw failure;
    return { addons: [], failure };
  }
}

/** Where no environment is named, ./cluster.yaml says which cluster, as it does for all other commands. */
function isOfFlagsOrFile(app: App, { config, name, region, env }: HealthFlags): boolean {
  if (config !== undefined || name !== undefined || region !== undefined) return true;
  return env === undefined && !app.variables.CORTEX_ENV && hasClusterFile(app);
}

/** @returns undefined for an environment that is none of AWS's clusters */
async function cloudClusterOf(app: App, flags: HealthFlags): Promise<ClusterId | undefined> {
  if (isOfFlagsOrFile(app, flags)) return whichCluster(app, flags);
  const settings = await app.settings.read();
  const wanted = flags.env ?? (app.variables.CORTEX_ENV || settings.default_environment);
  const found = settings.environments.find((one) => one.name === wanted);
  if (found?.kind !== "kubernetes" || !found.eks) return undefined;
  return { name: found.eks.cluster, region: found.eks.region };
}

const healthView: View<Health> = {
  tables: ({ cloud, addons, failure }) => [
    ...(cloud.length > 0 ? [[["aws", "status", "what it says"], ...cloud.map(cloudRow)]] : []),
    ...(failure
      ? [
          [
            ["kubernetes", "status", "warning"],
            ["api server", "down", failure.message],
          ],
        ]
      : []),
    ...(failure ? [] : [[["component", "version", "status", "installed by", "warning"], ...addons.map(addonRow)]]),
  ],
  json: ({ cloud, addons, failure }) => ({
    ...Object.fromEntries(cloud.map(({ name, status }) => [name, status !== "fail"])),
    ...(failure && { kubernetes: false }),
    ...Object.fromEntries(addons.map(({ name, status }) => [name, status === "ok"])),
  }),
};

function cloudRow({ name, status, message }: Check): readonly string[] {
  return [name, { ok: "ok", warn: "warning", fail: "down" }[status], message];
}

function addonRow({ name, version, status, installedBy, warning = "" }: AddonHealth): readonly string[] {
  return [name, version, status, installedBy, warning];
}
