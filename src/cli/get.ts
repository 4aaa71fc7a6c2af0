import { Command } from "commander";
import { apiNotFound } from "../core/api-not-found.ts";
import type { ApiState, Environment, Revision } from "../core/environment.ts";
import { CortexError, errorToJson } from "../core/errors.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "./flags.ts";
import { type ApiDetail, allApisView, apiDetailView, apisView, type EnvironmentApis } from "./render/api-views.ts";
import { type OutputFormat, show } from "./render/show.ts";

export interface GetFlags extends EnvFlag {
  readonly watch?: true;
  readonly output: OutputFormat;
  readonly verbose?: true;
  readonly allEnvs?: true;
}

export function getCommand(app: App, run: typeof runGet = runGet): Command {
  const command = new Command("get")
    .description("Lists the APIs of an environment, or shows one of them.")
    .argument("[api]", "name of an API")
    .addOption(envOption().conflicts("allEnvs"))
    .option("-A, --all-envs", "the APIs of all environments")
    .option("-w, --watch", "show every change until Ctrl-C")
    .addOption(outputOption("pretty", "wide", "json", "yaml", "name"))
    .option("-v, --verbose", "with the configuration of the API")
    .action((api: string | undefined, flags: GetFlags) => run(app, api, flags));
  return withExamples(command, [
    ["cortex get", "all APIs"],
    ["cortex get iris", "one API: its endpoint, a curl line, its history"],
    ["cortex get -o wide -w", "with latencies, redrawn on every change"],
    ["cortex get iris -o json", "for a program"],
  ]);
}

async function runGet(app: App, name: string | undefined, flags: GetFlags): Promise<void> {
  if (flags.watch) return watchApis(app, name, flags);
  if (flags.allEnvs) return showAll(app, name, flags);
  const environment = await app.environment(flags.env);
  const states = await environment.list(app.signal);
  const now = app.now();
  if (name === undefined) {
    await show(listed(environment, states), apisView(now), flags.output, app.terminal);
    return;
  }
  const state = states.find((one) => one.name === name);
  if (!state) throw apiNotFound(name, environment.name, states);
  const history = await historyOf(environment, name, app.signal);
  const detail: ApiDetail = { env: environment.name, state, states, history };
  await show(detail, apiDetailView(now, flags.verbose === true), flags.output, app.terminal);
}

async function watchApis(app: App, name: string | undefined, flags: GetFlags): Promise<void> {
  if (flags.allEnvs || flags.output === "yaml" || flags.output === "name") {
    throw new CortexError("USAGE", `-w does not go with ${flags.allEnvs ? "-A" : `-o ${flags.output}`}`, {
      hint: "watch one environment at a time, as pretty, wide or json",
    });
  }
  const [environment, { watchTable }] = await Promise.all([app.environment(flags.env), import("./watch-table.ts")]);
  await watchTable(app, environment, name, flags.output);
}

async function showAll(app: App, name: string | undefined, flags: GetFlags): Promise<void> {
  const { environments } = await app.settings.read();
  const all = await Promise.all(environments.map((one) => apisOf(app, one.name, name)));
  await show(all, allApisView(app.now()), flags.output, app.terminal);
  if (flags.output !== "json" && flags.output !== "yaml") {
    for (const { env_name, error } of all) {
      if (error) await app.terminal.stderr.write(`${env_name}: ${error.message}\n`);
    }
  }
}

/** One environment that cannot be asked does not hide the others. */
async function apisOf(app: App, env: string, name: string | undefined): Promise<EnvironmentApis> {
  try {
    const states = await (await app.environment(env)).list(app.signal);
    return { env_name: env, states: states.filter((state) => name === undefined || state.name === name) };
  } catch (error) {
    app.signal.throwIfAborted();
    if (!(error instanceof CortexError)) throw error;
    return { env_name: env, states: [], error: errorToJson(error) };
  }
}

async function historyOf(environment: Environment, name: string, signal: AbortSignal): Promise<readonly Revision[]> {
  try {
    return await environment.history(name, signal);
  } catch (error) {
    // Deleted by somebody else since it was listed.
    if (error instanceof CortexError && error.code === "API_NOT_FOUND") return [];
    throw error;
  }
}

function listed(environment: Environment, states: readonly ApiState[]) {
  return states.map((state) => ({ env: environment.name, state }));
}
