import { Command } from "commander";
import type { App } from "./app.ts";
import { withExamples } from "./flags.ts";

type Make = (app: App) => Command;

const onAws = "On AWS:";
const inAny = "In any cluster:";

/** The commands of the group, in the order of its help; each enters when it is used. */
const members: Readonly<Record<string, { readonly group: string; load(): Promise<Make> }>> = {
  up: { group: onAws, load: async () => (await import("./cluster/up.ts")).upCommand },
  diff: { group: onAws, load: async () => (await import("./cluster/diff.ts")).diffCommand },
  configure: { group: onAws, load: async () => (await import("./cluster/configure.ts")).configureCommand },
  upgrade: { group: onAws, load: async () => (await import("./cluster/upgrade.ts")).upgradeCommand },
  down: { group: onAws, load: async () => (await import("./cluster/down.ts")).downCommand },
  info: { group: onAws, load: async () => (await import("./cluster/info.ts")).infoCommand },
  list: { group: onAws, load: async () => (await import("./cluster/list.ts")).listCommand },
  export: { group: onAws, load: async () => (await import("./cluster/export.ts")).exportCommand },
  "iam-policy": { group: onAws, load: async () => (await import("./cluster/iam-policy.ts")).iamPolicyCommand },
  install: { group: inAny, load: async () => (await import("./cluster/install.ts")).installCommand },
  uninstall: { group: inAny, load: async () => (await import("./cluster/uninstall.ts")).uninstallCommand },
  health: { group: inAny, load: async () => (await import("./cluster/health.ts")).healthCommand },
};

/** @param member the one that is asked for; all of them where it is none, as for help */
export async function clusterCommand(member?: string): Promise<Make> {
  const wanted = Object.entries(members).filter(([name]) => member === name || !Object.hasOwn(members, member ?? ""));
  const loaded = await Promise.all(wanted.map(async ([, { group, load }]) => ({ group, make: await load() })));
  return (app) => {
    const command = groupCommand();
    for (const { group, make } of loaded) command.addCommand(make(app).helpGroup(group));
    return command;
  };
}

function groupCommand(): Command {
  const command = new Command("cluster").description(
    "Makes clusters on AWS, and prepares any Kubernetes cluster for APIs: what routes, scales and measures them.",
  );
  command.action(() => command.help());
  return withExamples(command, [
    ["cortex cluster up cluster.yaml", "make a cluster on AWS, and an environment of it"],
    ["cortex cluster info", "its nodes, what it costs now, and which API costs what"],
    ["cortex cluster down", "remove it, and all that it costs"],
    ["cortex cluster install -e production", "bring what the cluster lacks"],
    ["cortex cluster health -e production", "see whether all of it works"],
    ["cortex cluster uninstall -e production", "remove what install brought, and nothing else"],
  ]);
}
