import { CortexError } from "../errors.ts";
import type { Step } from "./plan.ts";
import { cannotChange, fixedProblems } from "./plan-up.ts";
import { type AnyKind, type Clock, type Doing, type Found, type States, Uncertain, type Wanted } from "./resource.ts";
import { resourceName } from "./resource-name.ts";
import { NotYet } from "./states.ts";

/** After a doubt it is looked for so often, later each time: what was just made may not be listed yet. */
const looksMs = [0, 1_000, 2_000, 3_000, 4_000];
/** So often something is tried whose answer is lost each time. */
const mostTries = 5;

export interface Bringing {
  readonly clock: Clock;
  readonly states: States;
  readonly report: (detail: string) => void;
  /** It may have been made twice. */
  readonly onDoubt: () => void;
  /** It is about to be changed, or made after all. */
  readonly onAction: (action: "update" | "create") => void;
}

/**
 * Does one step of a plan: brings one resource from what was found to what is wanted, or removes it.
 * @returns its state; undefined when it is gone
 */
export async function bring(step: Step, bringing: Bringing, signal: AbortSignal): Promise<unknown> {
  const { action, kind, wanted, found, mayGo = false } = step;
  const doing = doingOf(bringing);
  if (action === "remove") return kind.remove(stateOf(step), doing, signal);
  if (!wanted) return found?.state;
  if (action === "create") return make(wanted, undefined, bringing, signal);
  if (action === "replace") {
    await kind.remove(stateOf(step), doing, signal);
    return make(wanted, found, bringing, signal);
  }
  const state = stateOf(step);
  if (action === "keep") return keep(step, state, bringing, signal);
  if (mayGo) return lookAgain(step, bringing, signal);
  return meet(wanted, action === "settle" ? await settle(kind, found!, bringing, signal) : state, bringing, signal);
}

/** Looks whether it is as it should be still: what it hangs on may be another by now, or may have failed to come. */
async function keep(step: Step, state: unknown, bringing: Bringing, signal: AbortSignal): Promise<unknown> {
  try {
    return await (step.mayGo ? lookAgain(step, bringing, signal) : meet(step.wanted!, state, bringing, signal));
  } catch (error) {
    if (error instanceof NotYet) return state;
    throw error;
  }
}

/** What it hung on was made anew since it was found. */
async function lookAgain(step: Step, bringing: Bringing, signal: AbortSignal): Promise<unknown> {
  const { id, label, kind } = step;
  const wanted = step.wanted!;
  const all = (await kind.list(signal)).filter((one) => one.id === id);
  const found = all.find((one) => one.label === label) ?? all[0];
  if (found && found.status !== "removing" && found.status !== "failed") return adopt(wanted, found, bringing, signal);
  bringing.onAction("create");
  if (found) await kind.remove(found.state, doingOf(bringing), signal);
  return make(wanted, found, bringing, signal);
}

/**
 * Makes it. When it is not known whether it was made, or its name is taken, it is looked for and adopted; it is made again only
 * when it is certain enough that it was not.
 * @param gone what was there before and may still be listed
 */
async function make(
  wanted: Wanted,
  gone: Found<unknown> | undefined,
  bringing: Bringing,
  signal: AbortSignal,
): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await wanted.kind.create(wanted.wish, doingOf(bringing), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isDoubtful(error)) throw error;
      const found = await lookFor(wanted, gone, bringing, signal);
      if (found) return adopt(wanted, found, bringing, signal);
      if (!(error instanceof Uncertain)) throw error;
      if (tries === mostTries) throw lost(wanted, error);
      bringing.onDoubt();
    }
  }
}

function isDoubtful(error: unknown): boolean {
  return error instanceof Uncertain || (error instanceof CortexError && error.code === "CONFLICT");
}

/** @returns undefined when it is not listed for as long as providers are known to lag behind */
async function lookFor(
  { id, kind }: Wanted,
  gone: Found<unknown> | undefined,
  { clock, report }: Bringing,
  signal: AbortSignal,
): Promise<Found<unknown> | undefined> {
  const isGone = ({ label, createdAt, status }: Found<unknown>) =>
    status === "removing" || (gone !== undefined && label === gone.label && createdAt === gone.createdAt);
  report("looking whether it was made");
  for (const ms of looksMs) {
    if (ms > 0) await clock.sleep(ms, signal);
    const found = (await kind.list(signal)).find((one) => one.id === id && !isGone(one));
    if (found) return found;
  }
  return undefined;
}

async function adopt(wanted: Wanted, found: Found<unknown>, bringing: Bringing, signal: AbortSignal): Promise<unknown> {
  const { kind } = wanted;
  if (found.status === "failed") {
    throw new CortexError("FAILED", `${kind.title} ${found.label}: ${found.cause ?? "it failed"}`, {
      hint: "run the same command again: it is removed and made again",
    });
  }
  const state = found.status === "ready" ? found.state : await settle(kind, found, bringing, signal);
  return meet(wanted, state, bringing, signal);
}

function settle(kind: AnyKind, found: Found<unknown>, bringing: Bringing, signal: AbortSignal): Promise<unknown> {
  return kind.settle(found, doingOf(bringing), signal);
}

/** Changes it until it is as wanted; `state` is what it is now. */
async function meet(wanted: Wanted, state: unknown, bringing: Bringing, signal: AbortSignal): Promise<unknown> {
  const { id, kind, wish } = wanted;
  let now = state;
  for (let tries = 1; ; tries += 1) {
    const differences = [...kind.differences(wish, now, bringing.states)];
    const fixed = fixedProblems(differences);
    if (fixed.length > 0) throw cannotChange(fixed);
    if (differences.length === 0) return now;
    bringing.onAction("update");
    try {
      return await kind.update(wish, now, doingOf(bringing), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Uncertain)) throw error;
      if (tries === mostTries) throw lost(wanted, error);
      const found = (await kind.list(signal)).find((one) => one.id === id);
      if (found) now = found.status === "ready" ? found.state : await settle(kind, found, bringing, signal);
    }
  }
}

function doingOf({ clock, states, report }: Bringing): Doing {
  return { clock, states, report };
}

function stateOf({ id, found }: Step): unknown {
  if (!found) throw new Error(`${id} was not found, so it cannot be changed`);
  return found.state;
}

function lost({ kind, id }: Wanted, cause: Uncertain): CortexError {
  return new CortexError(
    "TIMED_OUT",
    `${resourceName({ id, title: kind.title })}: ${cause.message}, ${mostTries} times`,
    {
      hint: "run the same command again: it looks at what is there, and goes on from that",
      cause,
    },
  );
}
