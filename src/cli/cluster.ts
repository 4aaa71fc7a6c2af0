import { Command } from "commander";
import type { App } from "./app.ts";
import { configureCommand } from "./cluster/configure.ts";
import { diffCommand } from "./cluster/diff.ts";
import { downCommand } from "./cluster/down.ts";
import { exportCommand } from "./cluster/export.ts";
import { healthCommand } from "./cluster/health.ts";
import { iamPolicyCommand } from "./cluster/iam-policy.ts";
import { infoCommand } from "./cluster/info.ts";
import { installCommand } from "./cluster/install.ts";
import { listCommand } from "./cluster/list.ts";
import { uninstallCommand } from "./cluster/uninstall.ts";
import { upCommand } from "./cluster/up.ts";
import { upgradeCommand } from "./cluster/upgrade.ts";
import { withExamples } from "./flags.ts";

export function clusterCommand(app: App): Command {
  const command = new Command("cluster")
    .description(
      "Makes clusters on AWS, and prepares any Kubernetes cluster for APIs: what routes, scales and measures them.",
    )
    .action(() => command.help());
  const changing = [upCommand, diffCommand, configureCommand, upgradeCommand, downCommand];
  const looking = [infoCommand, listCommand, exportCommand, iamPolicyCommand];
  for (const make of [...changing, ...looking]) command.addCommand(make(app).helpGroup("On AWS:"));
  const onAny = [installCommand, uninstallCommand, healthCommand];
  for (const make of onAny) command.addCommand(make(app).helpGroup("In any cluster:"));
  return withExamples(command, [
    ["cortex cluster up cluster.yaml", "make a cluster on AWS, and an environment of it"],
    ["cortex cluster info", "its nodes, what it costs now, and which API costs what"],
    ["cortex cluster down", "remove it, and all that it costs"],
    ["cortex cluster install -e production", "bring what the cluster lacks"],
    ["cortex cluster health -e production", "see whether all of it works"],
    ["cortex cluster uninstall -e production", "remove what install brought, and nothing else"],
  ]);
}
