import { Command } from "commander";
import type { AddonHealth } from "../../core/cluster.ts";
import type { App } from "../app.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "../flags.ts";
import { show, type View } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";

export interface HealthFlags extends EnvFlag {
  readonly output: "pretty" | "json";
}

export function healthCommand(app: App, run: typeof runHealth = runHealth): Command {
  const command = new Command("health")
    .summary("show whether all of it works")
    .description("Shows whether what APIs use of the cluster works. Exit status 1: something of it is down.")
    .addOption(envOption())
    .addOption(outputOption("pretty", "json"))
    .action((flags: HealthFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster health -e production", "a row per component"],
    ["cortex cluster health -e production -o json", "whether each one works"],
  ]);
}

async function runHealth(app: App, { env, output }: HealthFlags): Promise<void> {
  await using admin = await app.cluster(env);
  const rows = await sayWhenSlow(app, "looking at the cluster", admin.health(app.signal));
  await show(rows, healthView, output, app.terminal);
  for (const { name, hint } of rows) {
    if (hint !== undefined) await app.terminal.stderr.write(`${name}: ${hint}\n`);
  }
  if (rows.some(({ status }) => status === "down")) app.exitStatus = 1;
}

const healthView: View<readonly AddonHealth[]> = {
  table: (rows) => [
    ["component", "version", "status", "installed by", "warning"],
    ...rows.map(({ name, version, status, installedBy, warning = "" }) => [
      name,
      version,
      status,
      installedBy,
      warning,
    ]),
  ],
  json: (rows) => Object.fromEntries(rows.map(({ name, status }) => [name, status === "ok"])),
};
