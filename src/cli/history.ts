import { Command } from "commander";
import { apiNotFound } from "../core/api-not-found.ts";
import type { ApiState, Revision } from "../core/environment.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "./flags.ts";
import { revisionJson } from "./render/api-json.ts";
import { historyTable } from "./render/history-table.ts";
import { show, type View } from "./render/show.ts";

export interface HistoryFlags extends EnvFlag {
  readonly output: "pretty" | "json" | "yaml";
}

export function historyCommand(app: App, run: typeof runHistory = runHistory): Command {
  const command = new Command("history")
    .description("Lists the revisions of an API that are kept, newest first.")
    .argument("<api>", "name of an API")
    .addOption(envOption())
    .addOption(outputOption("pretty", "json", "yaml"))
    .action((api: string, flags: HistoryFlags) => run(app, api, flags));
  return withExamples(command, [
    ["cortex history iris", "who deployed what, and when"],
    ["cortex rollback iris 3", "make revision 3 live again"],
  ]);
}

async function runHistory(app: App, name: string, { env, output }: HistoryFlags): Promise<void> {
  const environment = await app.environment(env);
  const states = await environment.list(app.signal);
  const state = states.find((one) => one.name === name);
  if (!state) throw apiNotFound(name, environment.name, states);
  const history = await environment.history(name, app.signal);
  await show(history, historyView(state, app.now()), output, app.terminal);
}

function historyView(state: ApiState, now: number): View<readonly Revision[]> {
  return {
    table: (history) => historyTable(history, state, now),
    json: (history) =>
      history.map((revision) => ({ ...revisionJson(revision), is_serving: state.serving === revision.number })),
  };
}
