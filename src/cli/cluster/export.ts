import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { CortexError } from "../../core/errors.ts";
import type { ApiPlace, App } from "../app.ts";
import { withExamples } from "../flags.ts";
import { exportedText } from "../render/exported-text.ts";
import { sayWhenSlow } from "../say-when-slow.ts";
import { type ClusterFlags, clusterText, whichCluster, withClusterFlags } from "./which-cluster.ts";

export interface ExportFlags extends ClusterFlags {
  readonly to?: string;
}

export function exportCommand(app: App, run: typeof runExport = runExport): Command {
  const command = withClusterFlags(new Command("export"))
    .summary("write the configuration of all APIs of a cluster into a folder")
    .description(
      "Writes the configuration of every API of a cluster on AWS, a file each. Code and values of environment variables are not in it.",
    )
    .option("-e, --env <name>", "environment that is the cluster, in place of a file")
    .option("--to <folder>", "where to (default: export-REGION-NAME)")
    .action((flags: ExportFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster export", "the APIs of the cluster of ./cluster.yaml"],
    ["cortex cluster export -n cortex -r us-east-1 --to apis", "into a folder of your choice"],
  ]);
}

async function runExport(app: App, flags: ExportFlags): Promise<void> {
  const cluster = await whichCluster(app, flags);
  const folder = flags.to ?? `export-${cluster.region}-${cluster.name}`;
  const target = resolve(app.workingFolder, folder);
  await refuseFull(target, folder);
  const apis = await sayWhenSlow(app, "looking at the cluster", app.apisOf(cluster));
  if (apis.length === 0) {
    await app.terminal.stderr.write(`${clusterText(cluster)} has no APIs\n`);
    return;
  }
  for (const api of apis) {
    const file = fileOf(api, apis);
    await mkdir(join(target, file, ".."), { recursive: true });
    await writeFile(join(target, file), await exportedText(api.state.revision.spec));
    await app.terminal.stdout.write(`${join(folder, file)}\n`);
  }
}

/** Names of APIs are unique in their namespace only. */
function fileOf({ namespace, state: { name } }: ApiPlace, all: readonly ApiPlace[]): string {
  const isOneNamespace = all.every((other) => other.namespace === namespace);
  return isOneNamespace ? `${name}.yaml` : join(namespace, `${name}.yaml`);
}

/** What lies there may be an export of another day: the two are not mixed. */
async function refuseFull(folder: string, written: string): Promise<void> {
  const entries = await readdir(folder).catch(() => []);
  if (entries.length === 0) return;
  throw new CortexError("CONFLICT", `there is something in ${written} already`, {
    hint: "remove it, or name another folder with --to",
  });
}
