import { Command } from "commander";
import { apiNotFound } from "../core/api-not-found.ts";
import type { ApiState, Environment } from "../core/environment.ts";
import { CortexError, exitStatus } from "../core/errors.ts";
import { type Deletion, planDeletion } from "../core/splitters.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, outputOption, withExamples } from "./flags.ts";
import { confirm } from "./prompt.ts";
import { errorText } from "./render/error-text.ts";
import { paletteFor } from "./render/paint.ts";
import { jsonDocument } from "./render/show.ts";

export interface DeleteFlags extends EnvFlag {
  readonly force?: true;
  readonly keepCache?: true;
  readonly all?: true;
  readonly output: "pretty" | "json";
}

/** Fewer live replicas than this are deleted without a question. */
const askFromReplicas = 3;

export function deleteCommand(app: App, run: typeof runDelete = runDelete): Command {
  const command = new Command("delete")
    .description("Deletes APIs: they take no more requests, finish those they have, and are gone.")
    .argument("[apis...]", "names of APIs")
    .addOption(envOption())
    .option("-f, --force", "do not ask")
    .option("-c, --keep-cache", "keep what was built and cached for it")
    .option("--all", "delete all APIs of the environment")
    .addOption(outputOption("pretty", "json"))
    .action((apis: readonly string[], flags: DeleteFlags) => run(app, apis, flags));
  return withExamples(command, [
    ["cortex delete iris", "delete one API"],
    ["cortex delete iris digits -f", "delete two, and do not ask"],
    ["cortex delete --all", "delete everything in the environment"],
  ]);
}

async function runDelete(app: App, names: readonly string[], flags: DeleteFlags): Promise<void> {
  if ((names.length === 0) !== (flags.all === true)) {
    throw new CortexError("USAGE", flags.all ? "names and --all were given" : "no API is named", {
      hint: "name the APIs to delete, or use --all for all of them",
    });
  }
  const environment = await app.environment(flags.env);
  const states = await environment.list(app.signal);
  const named = [...new Set(names)].map((name) => ({ name, state: states.find((state) => state.name === name) }));
  const doomed = flags.all ? states : named.flatMap(({ state }) => state ?? []);
  const absent = named
    .filter(({ state }) => !state)
    .map(({ name }) => ({ name, error: apiNotFound(name, environment.name, states) }));
  if (doomed.length === 0 && absent[0]) throw absent[0].error;
  const question = questionFor(doomed, environment.name, flags.all === true);
  if (question && !flags.force && !(await confirm(app, question, "-f"))) {
    throw new CortexError("INTERRUPTED", "nothing was deleted");
  }
  await deleteAll(app, environment, planDeletion(doomed, states, environment.inEnv), absent, flags);
}

/** @returns what to ask before `doomed` are deleted from `env`; undefined when little is lost */
export function questionFor(doomed: readonly ApiState[], env: string, isAll: boolean): string | undefined {
  const live = doomed.reduce((sum, state) => sum + state.ready, 0);
  if (doomed.length === 0 || (!isAll && live < askFromReplicas)) return undefined;
  const what = doomed.map((state) => state.name).join(", ");
  return `delete ${what} in ${env}, with ${live} live ${live === 1 ? "replica" : "replicas"}?`;
}

/**
 * All at once, but splitters before what they point at; one that fails stops no other.
 * @param absent what was named and is not there, as after the same command that was cut short
 */
async function deleteAll(
  app: App,
  environment: Environment,
  { first, afterwards, refused }: Deletion,
  absent: readonly Deleted[],
  flags: DeleteFlags,
): Promise<void> {
  const { stdout, stderr } = app.terminal;
  const isText = flags.output === "pretty";
  app.leftBehind = "what was not deleted yet is still there; run the same command again";
  if (isText && first.length + afterwards.length + refused.length === 0) await stderr.write("no apis are deployed\n");
  const remove = async ({ name }: ApiState): Promise<Deleted> => {
    if (isText) await stdout.write(`deleting ${name}\n`);
    try {
      await environment.remove(name, { keepCache: flags.keepCache === true }, app.signal);
      return { name };
    } catch (error) {
      if (!(error instanceof CortexError) || app.signal.aborted) throw error;
      return { name, error };
    }
  };
  const results: readonly Deleted[] = [
    ...(await Promise.all(first.map(remove))),
    ...(await Promise.all(afterwards.map(remove))),
    ...refused.map(({ state, error }) => ({ name: state.name, error })),
    ...absent,
  ];
  app.leftBehind = undefined;
  const palette = await paletteFor(stderr);
  for (const { error } of results) {
    if (!error) continue;
    app.exitStatus = exitStatus(error);
    await stderr.write(errorText(error, { palette, columns: stderr.columns, withStacks: false }));
  }
  if (!isText) await stdout.write(jsonDocument(deletedJson(results)));
}

interface Deleted {
  readonly name: string;
  readonly error?: CortexError;
}

/** One API was asked for: Cortex 0.42's object; several: a list of such. */
function deletedJson(results: readonly Deleted[]): unknown {
  const objects = results.map(({ name, error }) => ({
    api: name,
    message: error ? "" : `deleting ${name}`,
    ...(error && { error: error.message, error_code: error.code }),
  }));
  return objects.length === 1 ? objects[0] : objects;
}
