import { Argument, Command } from "commander";
import { type CloudActivity, cloudActivities } from "../../core/cloud-rights.ts";
import { CortexError } from "../../core/errors.ts";
import { nearest } from "../../spec/nearest.ts";
import type { App } from "../app.ts";
import { withExamples } from "../flags.ts";
import { jsonDocument } from "../render/show.ts";
import { checkClusterFlags } from "./which-cluster.ts";

export interface IamPolicyFlags {
  readonly name?: string;
  readonly region?: string;
  readonly account?: string;
}

export function iamPolicyCommand(app: App, run: typeof runIamPolicy = runIamPolicy): Command {
  const command = new Command("iam-policy")
    .summary("print the AWS rights that commands need")
    .description(
      "Prints the least policy of AWS IAM that commands need: for all of `cortex cluster`, or for those that are named. Asks nobody.",
    )
    .addArgument(new Argument("[command...]", "commands to allow").choices(cloudActivities).argParser(withActivity))
    .option("-n, --name <name>", "of this cluster only (default: of any)")
    .option("-r, --region <region>", "in this AWS region only (default: in any)")
    .option("--account <id>", "in this AWS account only (default: in any)")
    .action((activities: readonly CloudActivity[], flags: IamPolicyFlags) => run(app, activities, flags));
  return withExamples(command, [
    ["cortex cluster iam-policy > policy.json", "all that `cortex cluster` does"],
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
  const { name, region, account } = flags;
  checkClusterFlags(flags);
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw new CortexError("USAGE", `--account "${account}" is no AWS account`, { hint: "write its 12 digits" });
  }
  const { policyFor } = await app.cloudPolicies();
  const scope = {
    ...(name !== undefined && { clusterName: name }),
    ...(region !== undefined && { region }),
    ...(account !== undefined && { accountId: account }),
  };
  await app.terminal.stdout.write(jsonDocument(policyFor(activities, scope)));
}
