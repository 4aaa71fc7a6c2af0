import { Command } from "commander";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, envText, outputOption, parseDuration, withExamples } from "./flags.ts";
import { jsonDocument } from "./render/show.ts";
import { followRollout } from "./rollout-command.ts";

export interface RefreshFlags extends EnvFlag {
  readonly force?: true;
  readonly timeout: number;
  readonly output: "pretty" | "json";
}

export function refreshCommand(app: App, run: typeof runRefresh = runRefresh): Command {
  const command = new Command("refresh")
    .description("Replaces all replicas of an API by new ones of the same revision, without losing a request.")
    .argument("<api>", "name of an API")
    .addOption(envOption())
    .option("-f, --force", "take over an update that is under way")
    .option("--timeout <duration>", "how long it may take, e.g. 15m", parseDuration, 15 * 60_000)
    .addOption(outputOption("pretty", "json"))
    .action((api: string, flags: RefreshFlags) => run(app, api, flags));
  command.options.find((option) => option.long === "--timeout")?.default(15 * 60_000, "15m");
  return withExamples(command, [["cortex refresh iris", "new replicas, one after the other"]]);
}

async function runRefresh(app: App, name: string, flags: RefreshFlags): Promise<void> {
  const environment = await app.environment(flags.env);
  const message = `refreshing ${name}`;
  const options = { force: flags.force === true, timeoutMs: flags.timeout };
  const events = environment.refresh(name, options, app.signal);
  await followRollout(app, name, events, { message, isText: flags.output === "pretty", inEnv: envText(flags) });
  if (flags.output === "json") await app.terminal.stdout.write(jsonDocument({ message }));
}
