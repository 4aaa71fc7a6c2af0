import type { WalkFailure, WalkListener } from "../cloud-cluster.ts";
import { CortexError } from "../errors.ts";
import { type Bringing, bring } from "./bring.ts";
import { choose } from "./duplicates.ts";
import { allNeeds, inOrder, kindOrder } from "./order.ts";
import type { GraphPlan, Step, WalkEvent } from "./plan.ts";
import { readAll } from "./read-all.ts";
import { removals, withIds } from "./removals.ts";
import type { Clock, ResourceKind } from "./resource.ts";
import { resourceName } from "./resource-name.ts";
import { statesFor } from "./states.ts";
import { walk } from "./walk.ts";

export interface ApplyOptions {
  readonly clock: Clock;
  readonly onEvent?: WalkListener;
  /** How many are at work at once. */
  readonly limit?: number;
}

export interface Applied {
  readonly failures: readonly WalkFailure[];
  /** Ids of those that were not begun because of a failure. */
  readonly blocked: readonly string[];
  /** @returns the state of one that is wanted, its former one when it could not be changed; undefined when it is not there */
  stateOf<State>(kind: ResourceKind<never, State>, id: string): State | undefined;
}

/**
 * Does what is planned, upwards or downwards, as much at once as the needs allow.
 * @throws the reason of `signal` when it aborts, after everything at work has ended; a bug of a kind comes as a failure too
 */
export async function applyPlan(plan: GraphPlan, options: ApplyOptions, signal: AbortSignal): Promise<Applied> {
  const states = new Map(plan.steps.filter(stands).map(({ id, found }) => [id, found?.state]));
  const doubted = new Set<string>();
  const first = await runSteps(plan, plan.steps, { ...options, states, doubted }, signal);
  const isDoubtful = doubted.size > 0 && first.failures.length === 0;
  const second = isDoubtful
    ? await runSteps(plan, await doublesOf(plan, doubted, signal), { ...options, states, doubted }, signal)
    : nothing;
  return {
    failures: [...first.failures, ...second.failures],
    blocked: [...first.blocked, ...second.blocked],
    stateOf: <State>(_kind: ResourceKind<never, State>, id: string) => states.get(id) as State | undefined,
  };
}

type Ran = Pick<Applied, "failures" | "blocked">;
const nothing: Ran = { failures: [], blocked: [] };

interface RunOptions extends ApplyOptions {
  /** Of all that are there and work, by id; grows. */
  readonly states: Map<string, unknown>;
  /** Names of kinds that one may have been made of twice; grows. */
  readonly doubted: Set<string>;
}

async function runSteps(
  plan: GraphPlan,
  steps: readonly Step[],
  { clock, onEvent = () => {}, limit, states, doubted }: RunOptions,
  signal: AbortSignal,
): Promise<Ran> {
  const needs = allNeeds(inOrder(plan.wanted));
  const errors = new Map<string, CortexError>();
  const byId = new Map(steps.map((step) => [step.id, step]));
  const nameOf = (id: string) => resourceName(byId.get(id)!);
  const result = await walk(
    steps,
    {
      clock,
      ...(limit !== undefined && { limit }),
      run: (step, shared, stop) => {
        const seen = statesFor(step.id, plan.wanted, needs.get(step.id) ?? new Set(), states);
        return runStep(step, { clock: shared, states: seen, onDoubt: () => doubted.add(step.kind.name) }, onEvent, {
          onState: (state) => states.set(step.id, state),
          signal: stop,
        });
      },
      // What is there and as it should be goes on being so when something else fails.
      runsAnyway: ({ action }) => action === "keep",
      onFailed: (step, error) => {
        const failure = asCortexError(error, step);
        errors.set(step.id, failure);
        onEvent(eventOf(step, "failed", failure.message));
      },
      onBlocked: (step, because) => onEvent(eventOf(step, "blocked", `because of ${nameOf(because)}`)),
    },
    signal,
  );
  return {
    failures: result.failures.map(({ id }) => ({ id, title: byId.get(id)!.title, error: errors.get(id)! })),
    blocked: result.blocked,
  };
}

interface Sinks {
  readonly onState: (state: unknown) => void;
  readonly signal: AbortSignal;
}

/** Tells how it goes; of one that is only kept, nothing, unless it turns out that there is something to do. */
async function runStep(
  step: Step,
  { clock, states, onDoubt }: Pick<Bringing, "clock" | "states" | "onDoubt">,
  onEvent: WalkListener,
  { onState, signal }: Sinks,
): Promise<void> {
  const begunAt = clock.now();
  let action = step.action;
  const tell = (phase: WalkEvent["phase"], detail?: string) =>
    onEvent({ ...eventOf(step, phase, detail), action, elapsedMs: clock.now() - begunAt });
  if (action !== "keep") tell("running", step.detail);
  const onAction = (taken: "update" | "create") => {
    if (action !== "keep") return;
    action = taken;
    tell("running");
  };
  const report = (detail: string) => tell("running", detail);
  onState(await bring(step, { clock, states, report, onDoubt, onAction }, signal));
  if (action !== "keep") tell("done");
}

function stands({ action }: Step): boolean {
  return action === "keep" || action === "update";
}

function eventOf({ id, title, action }: Step, phase: WalkEvent["phase"], detail?: string): WalkEvent {
  return { id, title, action, phase, ...(detail !== undefined && { detail }) };
}

/** What was made twice, since an answer was lost and a look came too early. */
async function doublesOf(
  { kinds }: GraphPlan,
  doubted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<readonly Step[]> {
  const order = kindOrder(kinds);
  const telling = kinds.filter(({ name }) => [...doubted].some((one) => one === name || order.needing(one).has(name)));
  const { duplicates } = choose(kinds, await readAll(telling, signal));
  const doubles = duplicates.filter(({ kind }) => doubted.has(kind.name));
  const ids = new Set(doubles.map(({ found }) => found.id));
  return inOrder(removals(withIds(doubles, ids), order));
}

function asCortexError(error: unknown, step: Step): CortexError {
  if (error instanceof CortexError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CortexError("FAILED", `${resourceName(step)}: ${message}`, {
    ...(error instanceof Error && error.stack !== undefined && { details: error.stack }),
    cause: error,
  });
}
