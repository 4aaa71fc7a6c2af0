import type { DeployEvent } from "../core/deploy.ts";
import type { ApiState } from "../core/environment.ts";
import { type CortexError, errorFromJson, errorToJson } from "../core/errors.ts";
import type { App } from "./app.ts";
import { apiJson } from "./render/api-json.ts";
import { changeMessage } from "./render/change-view.ts";
import { endpointText } from "./render/endpoint-text.ts";
import { errorText } from "./render/error-text.ts";
import { paletteFor } from "./render/paint.ts";
import { type RolloutReporter, rolloutReporter } from "./render/rollout-reporter.ts";

/** What became of each API, in file order. */
export interface DeployOutcome {
  readonly results: readonly DeployResult[];
}

export interface DeployResult {
  readonly name: string;
  readonly message: string;
  readonly error?: CortexError;
  /** As it is now; undefined when it never came to be. */
  readonly state?: ApiState;
}

interface ReportOptions {
  /** Text for a person, instead of nothing until the end. */
  readonly isText: boolean;
  readonly isWaiting: boolean;
  /** ` -e NAME` where that was given, for commands to run next. */
  readonly inEnv: string;
  /** Told which APIs have been accepted and are not live yet. */
  progress(names: readonly string[]): void;
  states(): Promise<readonly ApiState[]>;
}

/** Follows a deploy to its end, showing it meanwhile. Failures are shown, and are in the outcome. */
export async function reportDeploy(
  app: App,
  events: AsyncIterable<DeployEvent>,
  options: ReportOptions,
): Promise<DeployOutcome> {
  const messages = new Map<string, string>();
  const errors = new Map<string, CortexError>();
  const underway = new Set<string>();
  {
    await using reporter = rolloutReporter(app, !options.isText);
    for await (const event of events) {
      if (event.type === "plan") {
        for (const change of event.changes) messages.set(change.name, changeMessage(change));
        if (options.isText) await printPlanned(reporter, event, messages);
      } else if (event.type === "api") {
        if (event.event.type === "accepted") underway.add(event.api);
        if (event.event.type === "live") underway.delete(event.api);
        options.progress([...underway]);
        await reporter.event(event.api, event.event);
        if (options.isText && event.event.type === "live") {
          await reporter.result(`${event.api} is live\n${endpointText(event.event.endpoint)}`);
        }
      } else if (event.type === "failed") {
        underway.delete(event.api);
        errors.set(event.api, event.error);
        await reporter.end(event.api);
        await reporter.note(await failureText(app, event.api, event.error));
      }
    }
  }
  const states = await options.states();
  const results = [...messages].map(([name, message]) => resultOf(name, message, errors.get(name), states));
  await printEnd(app, results, options);
  return { results };
}

/** What a Ctrl-C leaves behind while `names` are rolled out. */
export function leftBehind(names: readonly string[], inEnv: string): string | undefined {
  if (names.length === 0) return undefined;
  return `${names.join(", ")}: the update goes on without this command; \`cortex get ${names[0]}${inEnv}\` shows it, and the same deploy follows it again`;
}

/** Cortex 0.42's keys, and the code and hint of an error. */
export function deployedJson({ results }: DeployOutcome): unknown {
  return results.map(({ state, message, error }) => ({
    api: state && !error ? apiJson(state) : null,
    message: error ? "" : message,
    error: error?.message ?? "",
    ...(error && { error_code: error.code }),
    ...(error?.hint && { hint: error.hint }),
    ...(error?.details && { details: error.details }),
  }));
}

async function printPlanned(
  reporter: RolloutReporter,
  event: Extract<DeployEvent, { type: "plan" }>,
  messages: ReadonlyMap<string, string>,
): Promise<void> {
  for (const { name, notices } of event.changes) {
    await reporter.result(`${messages.get(name)}\n`);
    for (const notice of notices) await reporter.note(`${name}: note: ${notice}\n`);
  }
}

async function failureText(app: App, api: string, error: CortexError): Promise<string> {
  const { stderr } = app.terminal;
  const withStacks = app.variables.CORTEX_DEBUG === "1";
  const json = errorToJson(error);
  const named = error.message.includes(api) ? error : errorFromJson({ ...json, message: `${api}: ${error.message}` });
  return errorText(named, { palette: await paletteFor(stderr), columns: stderr.columns, withStacks });
}

async function printEnd(app: App, results: readonly DeployResult[], options: ReportOptions): Promise<void> {
  for (const { name, error, state } of results) {
    // Most errors of a rollout say it themselves.
    if (error && state?.serving !== undefined && !/revision \d+ serves/.test(error.message)) {
      await app.terminal.stderr.write(`${name}: revision ${state.serving} still serves, as before\n`);
    }
  }
  const first = results.find(({ error }) => !error);
  if (!options.isText || !first) return;
  const name = first.name + options.inEnv;
  const lines = options.isWaiting
    ? [
        [`cortex predict ${first.name} sample.json${options.inEnv}`, "send a request"],
        [`cortex logs ${name} -f`, "follow its log"],
        [`cortex get ${name}`, "see how it does"],
      ]
    : [[`cortex get ${name} -w`, "watch it become live"]];
  const width = Math.max(...lines.map(([line]) => line!.length));
  await app.terminal.stderr.write(lines.map(([line, does]) => `${line!.padEnd(width)}   (${does})\n`).join(""));
}

function resultOf(
  name: string,
  message: string,
  error: CortexError | undefined,
  states: readonly ApiState[],
): DeployResult {
  const state = states.find((one) => one.name === name);
  return { name, message, ...(error && { error }), ...(state && { state }) };
}
