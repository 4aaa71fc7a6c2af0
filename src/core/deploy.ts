import type { Api } from "../spec/api.ts";
import type { ParsedApis } from "../spec/parse-apis.ts";
import { unsupportedFeatures } from "../spec/unsupported.ts";
import type { ApiState, Environment, Project, RolloutEvent, Suitability } from "./environment.ts";
import { CortexError, type Problem } from "./errors.ts";
import { type ApiChange, conflictsWithLive, planChanges, throwProblems, type WantedApi } from "./plan.ts";
import { targetFailed, targetsOf } from "./splitters.ts";
import { merge } from "./streams.ts";

/** How `deploy` reads what the user wrote. */
export interface ProjectFiles {
  /** @param file a configuration file, or a folder that holds cortex.yaml. @throws FILE_NOT_FOUND, SPEC_INVALID */
  parse(
    file: string,
    signal: AbortSignal,
  ): Promise<ParsedApis & { readonly root: string; readonly configFile: string }>;
  /** @throws PROJECT_INVALID */
  read(root: string, configFile: string, signal: AbortSignal): Promise<Project>;
  /** What to ask before a project of this size or kind is taken. */
  questions(project: Project): Promise<readonly string[]>;
}

export interface DeployPorts {
  readonly environment: Environment;
  readonly files: ProjectFiles;
  /** `user@host`, kept with the revision. */
  readonly identity: string;
  /** @throws INPUT_NEEDED where nobody can be asked */
  confirm(question: string): Promise<boolean>;
}

export interface DeployPlan {
  readonly changes: readonly ApiChange[];
  readonly warnings: readonly Problem[];
  readonly wanted: readonly WantedApi[];
  readonly project: Project;
  readonly live: readonly ApiState[];
}

export type DeployEvent =
  | { readonly type: "plan"; readonly changes: readonly ApiChange[] }
  | { readonly type: "unchanged"; readonly api: string; readonly state: ApiState }
  | { readonly type: "api"; readonly api: string; readonly event: RolloutEvent }
  | { readonly type: "failed"; readonly api: string; readonly error: CortexError };

export interface DeployOptions {
  readonly force: boolean;
  /** False: stop watching an API as soon as its rollout is accepted. */
  readonly wait: boolean;
  readonly timeoutMs: number;
}

/**
 * Reads a configuration file, its project and what is live, and says what `deploy` would do. Changes nothing.
 * @throws SPEC_INVALID, NOT_SUPPORTED, PROJECT_INVALID with every problem at once
 */
export async function plan(configFile: string, ports: DeployPorts, signal: AbortSignal): Promise<DeployPlan> {
  const { environment, files } = ports;
  const [parsed, live] = await Promise.all([
    files.parse(configFile, signal),
    environment.inspect?.(signal) ?? environment.list(signal),
  ]);
  throwProblems(parsed.apis.flatMap(notBuiltYet), "NOT_SUPPORTED");
  const project = await files.read(parsed.root, parsed.configFile, signal);
  const suited = await Promise.all(parsed.apis.map((api) => environment.suits(api, project)));
  throwProblems(
    parsed.apis.flatMap((api, index) => refusals(api, suited[index]!)),
    "NOT_SUPPORTED",
  );
  throwProblems(conflictsWithLive(parsed.apis, live, environment.inEnv), "SPEC_INVALID");
  const wanted = parsed.apis.map((api, index) => ({
    api,
    stored: environment.stored?.(api) ?? api,
    revisionId: environment.revisionId(api, project),
    notices: suited[index]!.notices,
  }));
  return { changes: planChanges(wanted, project, live), warnings: parsed.warnings, wanted, project, live };
}

/**
 * Brings every API of `plan` to its wanted revision, all at once; one that fails stops no other, save splitters that have
 * nowhere else to send requests to: each begins when the APIs that it points at have ended.
 * Yields the plan first, then what happens to each API; a failure is an event, its previous revision serves on.
 */
export async function* deploy(
  plan: DeployPlan,
  options: DeployOptions,
  ports: DeployPorts,
  signal: AbortSignal,
): AsyncGenerator<DeployEvent> {
  yield { type: "plan", changes: plan.changes };
  const changing = plan.wanted.filter((_, index) => plan.changes[index]?.change !== "unchanged");
  for (const { name } of plan.changes.filter((one) => one.change === "unchanged")) {
    yield { type: "unchanged", api: name, state: plan.live.find((state) => state.name === name)! };
  }
  if (changing.length > 0) await askAbout(plan.project, ports);
  const ends: Ends = new Map(changing.map(({ api }) => [api.name, Promise.withResolvers()]));
  yield* merge(
    changing.map(({ api }) => inTurn(api, ends, plan.live, rollOut(api, plan.project, options, ports, signal))),
  );
}

/** When each API that changes has ended, and why it failed if it did. */
type Ends = ReadonlyMap<string, PromiseWithResolvers<CortexError | undefined>>;

/** Passes `events` of `api` on once its targets have ended, and tells those that wait for `api` of its end. */
async function* inTurn(
  api: Api,
  ends: Ends,
  live: readonly ApiState[],
  events: AsyncIterable<DeployEvent>,
): AsyncGenerator<DeployEvent> {
  let failure: CortexError | undefined;
  try {
    failure = await missingTarget(api, ends, live);
    if (failure) {
      yield { type: "failed", api: api.name, error: failure };
      return;
    }
    for await (const event of events) {
      if (event.type === "failed") failure = event.error;
      yield event;
    }
  } finally {
    ends.get(api.name)?.resolve(failure);
  }
}

/** @returns why `splitter` cannot be rolled out; undefined when every target is there, or an older revision of it serves */
async function missingTarget(splitter: Api, ends: Ends, live: readonly ApiState[]): Promise<CortexError | undefined> {
  const isServing = (name: string) => live.some((state) => state.name === name && state.serving !== undefined);
  for (const target of targetsOf(splitter)) {
    const cause = await ends.get(target)?.promise;
    if (cause && !isServing(target)) return targetFailed(splitter.name, target, isServing(splitter.name), cause);
  }
  return undefined;
}

async function* rollOut(
  api: Api,
  project: Project,
  options: DeployOptions,
  ports: DeployPorts,
  signal: AbortSignal,
): AsyncGenerator<DeployEvent> {
  const { force, timeoutMs } = options;
  try {
    const request = { force, timeoutMs, createdBy: ports.identity };
    for await (const event of ports.environment.rollOut(api, project, request, signal)) {
      yield { type: "api", api: api.name, event };
      if (event.type === "accepted" && !options.wait) return;
    }
  } catch (error) {
    if (!(error instanceof CortexError) || error.code === "INTERRUPTED") throw error;
    yield { type: "failed", api: api.name, error };
  }
}

async function askAbout(project: Project, ports: DeployPorts): Promise<void> {
  for (const question of await ports.files.questions(project)) {
    if (!(await ports.confirm(question))) throw new CortexError("INTERRUPTED", "nothing was deployed");
  }
}

function notBuiltYet(api: Api): Problem[] {
  return unsupportedFeatures(api).map(({ message, hint }) => ({ message: `${api.name}: ${message}`, hint }));
}

function refusals(api: Api, suitability: Suitability): Problem[] {
  return suitability.refusals.map(({ message, hint }) => ({
    message: `${api.name}: ${message}`,
    ...(hint !== undefined && { hint }),
  }));
}
