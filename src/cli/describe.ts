import { Command } from "commander";
import { apiNotFound } from "../core/api-not-found.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "./flags.ts";
import { describeView } from "./render/describe-view.ts";
import { show } from "./render/show.ts";

export interface DescribeFlags extends EnvFlag {
  readonly output: "pretty" | "json" | "yaml";
}

export function describeCommand(app: App, run: typeof runDescribe = runDescribe): Command {
  const command = new Command("describe")
    .description(
      "Shows what the replicas of an API do, what its traffic is, and why it has as many replicas as it has.",
    )
    .argument("<api>", "name of an API")
    .addOption(envOption())
    .addOption(outputOption("pretty", "json", "yaml"))
    .action((api: string, flags: DescribeFlags) => run(app, api, flags));
  return withExamples(command, [
    ["cortex describe iris", "replicas, traffic, autoscaling"],
    ["cortex describe iris -o json", "the same for a program"],
  ]);
}

async function runDescribe(app: App, name: string, { env, output }: DescribeFlags): Promise<void> {
  const environment = await app.environment(env);
  const states = await environment.list(app.signal);
  const state = states.find((one) => one.name === name);
  if (!state) throw apiNotFound(name, environment.name, states);
  await show({ env: environment.name, state, states }, describeView(app.now()), output, app.terminal);
}
