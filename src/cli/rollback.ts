import { Command, InvalidArgumentError } from "commander";
import { apiNotFound } from "../core/api-not-found.ts";
import type { ApiState, Revision } from "../core/environment.ts";
import { CortexError } from "../core/errors.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, envText, outputOption, parseDuration, withExamples } from "./flags.ts";
import { confirm } from "./prompt.ts";
import { apiJson } from "./render/api-json.ts";
import { jsonDocument } from "./render/show.ts";
import { followRollout } from "./rollout-command.ts";

export interface RollbackFlags extends EnvFlag {
  readonly yes?: true;
  readonly force?: true;
  readonly timeout: number;
  readonly output: "pretty" | "json";
}

export function rollbackCommand(app: App, run: typeof runRollback = runRollback): Command {
  const command = new Command("rollback")
    .description("Makes the content of an older revision live again, as a new revision.")
    .argument("<api>", "name of an API")
    .argument("[revision]", "number of a revision (default: the one that was live before)", parseRevision)
    .addOption(envOption())
    .option("-y, --yes", "do not ask")
    .option("-f, --force", "take over an update that is under way")
    .option("--timeout <duration>", "how long it may take, e.g. 15m", parseDuration, 15 * 60_000)
    .addOption(outputOption("pretty", "json"))
    .action((api: string, revision: number | undefined, flags: RollbackFlags) => run(app, api, revision, flags));
  command.options.find((option) => option.long === "--timeout")?.default(15 * 60_000, "15m");
  return withExamples(command, [
    ["cortex rollback iris", "back to what was live before"],
    ["cortex rollback iris 3 -y", "to revision 3, without a question"],
    ["cortex history iris", "the revisions there are"],
  ]);
}

async function runRollback(app: App, name: string, wanted: number | undefined, flags: RollbackFlags): Promise<void> {
  const environment = await app.environment(flags.env);
  const states = await environment.list(app.signal);
  const state = states.find((one) => one.name === name);
  if (!state) throw apiNotFound(name, environment.name, states);
  const history = await environment.history(name, app.signal);
  const target = chooseRevision(history, state, wanted);
  const question = `roll ${name} back from revision ${state.revision.number} to ${target} in ${environment.name}?`;
  if (!flags.yes && !(await confirm(app, question, "-y"))) {
    throw new CortexError("INTERRUPTED", "nothing was rolled back");
  }
  const options = { force: flags.force === true, createdBy: await app.identity(), timeoutMs: flags.timeout };
  const message = `rolling ${name} back to revision ${target}`;
  const events = environment.rollBack(name, target, options, app.signal);
  await followRollout(app, name, events, { message, isText: flags.output === "pretty", inEnv: envText(flags) });
  if (flags.output === "json") {
    const now = (await environment.list(app.signal)).find((one) => one.name === name);
    await app.terminal.stdout.write(jsonDocument({ message, api: now ? apiJson(now) : null }));
  }
}

/**
 * @param wanted a number, or undefined for the newest revision that is older than what serves and holds something else;
 * when the wanted revision failed while an older one serves, that older one
 * @throws REVISION_NOT_FOUND
 */
export function chooseRevision(history: readonly Revision[], state: ApiState, wanted: number | undefined): number {
  const kept = history.map((revision) => revision.number).join(", ");
  if (wanted !== undefined) {
    if (history.some((revision) => revision.number === wanted)) return wanted;
    throw new CortexError("REVISION_NOT_FOUND", `${state.name} has no revision ${wanted}`, {
      hint: `kept are ${kept}`,
    });
  }
  if (state.serving !== undefined && state.serving !== state.revision.number) return state.serving;
  const previous = history.find(({ number, id }) => number < state.revision.number && id !== state.revision.id);
  if (previous) return previous.number;
  throw new CortexError("REVISION_NOT_FOUND", `${state.name} has no older revision to roll back to`, {
    hint: `\`cortex history ${state.name}\` lists what is kept`,
  });
}

function parseRevision(text: string): number {
  if (!/^v?[1-9]\d*$/.test(text)) throw new InvalidArgumentError("A revision is a number, e.g. 3.");
  return Number(text.replace("v", ""));
}
