import { Command } from "commander";
import type { App } from "./app.ts";
import { healthCommand } from "./cluster/health.ts";
import { iamPolicyCommand } from "./cluster/iam-policy.ts";
import { installCommand } from "./cluster/install.ts";
import { uninstallCommand } from "./cluster/uninstall.ts";
import { withExamples } from "./flags.ts";

export function clusterCommand(app: App): Command {
  const command = new Command("cluster")
    .description("Prepares a Kubernetes cluster for APIs: what routes, scales and measures them.")
    .action(() => command.help());
  for (const make of [installCommand, uninstallCommand, healthCommand, iamPolicyCommand]) command.addCommand(make(app));
  return withExamples(command, [
    ["cortex cluster install -e production", "bring what the cluster lacks"],
    ["cortex cluster health -e production", "see whether all of it works"],
    ["cortex cluster uninstall -e production", "remove what install brought, and nothing else"],
  ]);
}
