import { Argument, Command } from "commander";
import {
  type CloudActivity,
  cloudActivities,
  type PolicyDocument,
  type RightsScope,
  rightsScopeOf,
} from "../../core/cloud-rights.ts";
import { CortexError } from "../../core/errors.ts";
import { nearest } from "../../spec/nearest.ts";
import type { App } from "../app.ts";
import { withExamples } from "../flags.ts";
import { jsonDocument } from "../render/show.ts";
import { readClusterFile } from "./cluster-file.ts";
import { checkClusterFlags } from "./which-cluster.ts";

export interface IamPolicyFlags {
  readonly config?: string;
  readonly name?: string;
  readonly region?: string;
  readonly account?: string;
  readonly part?: string;
}

export function iamPolicyCommand(app: App, run: typeof runIamPolicy = runIamPolicy): Command {
  const command = new Command("iam-policy")
    .summary("print the AWS rights that commands need")
    .description(
      "Prints the least policy of AWS IAM that commands need: for all of `cortex cluster`, or for those that are named. Asks nobody. " +
        "Only with name, region and account (-c or -n and -r, --account) it has the exact names of what a cluster is made of.",
    )
    .addArgument(new Argument("[command...]", "commands to allow").choices(cloudActivities).argParser(withActivity))
    .option("-c, --config <file>", "of the cluster of this cluster.yaml only, with its policies and its boundary")
    .option("-n, --name <name>", "of this cluster only (default: of any)")
    .option("-r, --region <region>", "in this AWS region only (default: in any)")
    .option("--account <id>", "in this AWS account only (default: in any)")
    .option("--part <number>", "this one, where AWS takes what is needed only as several policies")
    .action((activities: readonly CloudActivity[], flags: IamPolicyFlags) => run(app, activities, flags));
  return withExamples(command, [
    ["cortex cluster iam-policy > policy.json", "all that `cortex cluster` does"],
    ["cortex cluster iam-policy -c cluster.yaml --account 123456789012", "all of one cluster, by its exact names"],
    ["cortex cluster iam-policy up down -n cortex -r us-east-1", "make and remove one cluster"],
    ["cortex cluster iam-policy deploy info logs", "use a cluster"],
  ]);
}

function withActivity(name: string, earlier: readonly CloudActivity[] = []): readonly CloudActivity[] {
  const activity = cloudActivities.find((one) => one === name);
  if (activity !== undefined) return [...earlier, activity];
  const near = nearest(name, cloudActivities);
  const all = `commands are ${cloudActivities.join(", ")}`;
  throw new CortexError("USAGE", `there is no command "${name}" that AWS is asked for`, {
    hint: near ? `did you mean ${near}? (${all})` : all,
  });
}

async function runIamPolicy(app: App, activities: readonly CloudActivity[], flags: IamPolicyFlags): Promise<void> {
  const scope = await scopeOf(app, flags);
  const { policiesFor } = await app.cloudPolicies();
  const documents = policiesFor(activities, scope);
  const { stdout, stderr } = app.terminal;
  if (flags.part !== undefined) return stdout.write(jsonDocument(partOf(documents, flags.part)));
  const [only, ...others] = documents;
  await stdout.write(jsonDocument(others.length === 0 ? only : documents));
  if (others.length === 0) return;
  await stderr.write(
    `these are ${documents.length} policies in a list, since AWS takes none of more than 6,144 characters: give all of them to the ` +
      `user or role; --part 1 to --part ${documents.length} print each alone\n`,
  );
}

/** @throws USAGE for flags that make no sense; what reading the file throws */
async function scopeOf(app: App, flags: IamPolicyFlags): Promise<RightsScope> {
  const { config, name, region, account } = flags;
  checkClusterFlags(flags);
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw new CortexError("USAGE", `--account "${account}" is no AWS account`, { hint: "write its 12 digits" });
  }
  const inAccount = { ...(account !== undefined && { accountId: account }) };
  if (config === undefined) {
    const named = { ...(name !== undefined && { clusterName: name }), ...(region !== undefined && { region }) };
    return { ...named, ...inAccount };
  }
  if (name !== undefined || region !== undefined) {
    throw new CortexError("USAGE", "-c names a file that says which cluster, so -n and -r have no place beside it", {
      hint: "give either -c FILE, or -n NAME -r REGION",
    });
  }
  return { ...rightsScopeOf((await readClusterFile(app, config)).cluster), ...inAccount };
}

/** @throws USAGE when there is no such part */
function partOf(documents: readonly PolicyDocument[], part: string): PolicyDocument {
  const found = documents[Number(part) - 1];
  if (found) return found;
  throw new CortexError("USAGE", `there is no part "${part}" of ${documents.length}`, {
    hint: `write a number from 1 to ${documents.length}`,
  });
}
