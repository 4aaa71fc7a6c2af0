import { CortexError, type Location, type Problem } from "../errors.ts";
import { type Chosen, choose, type FoundByKind, type FoundOne } from "./duplicates.ts";
import { allNeeds, inOrder, type KindOrder, kindOrder } from "./order.ts";
import type { GraphPlan, Step } from "./plan.ts";
import { removals, withIds } from "./removals.ts";
import type { AnyKind, Difference, Found, Wanted } from "./resource.ts";
import { resourceName } from "./resource-name.ts";
import { NotYet, statesFor } from "./states.ts";

export interface Up {
  /** All that the cluster may have. What is found of one of them and is not wanted is removed. */
  readonly kinds: readonly AnyKind[];
  readonly wanted: readonly Wanted[];
  readonly found: FoundByKind;
  /** Differences that are known beside those of the kinds. */
  readonly known?: readonly Difference[];
  /** Where the user wrote a field, as `Difference.field` names it. */
  readonly placeOf?: (field: string) => Location | undefined;
}

/**
 * What it takes to come from what was found to what is wanted. Pure.
 *
 * What is missing is made after what it needs; what failed or is on its way out is removed first; what others make or change is
 * waited for. What is too many goes last, when all that is wanted of its kind, and of the kinds that hang on it, is as it should be:
 * nothing is taken from under something that still serves.
 * @throws CortexError NOT_SUPPORTED with every difference that cannot be made good
 */
export function planUp({ kinds, wanted, found, known = [], placeOf = () => undefined }: Up): GraphPlan {
  checkKinds(kinds, wanted);
  const order = kindOrder(kinds);
  const chosen = choose(kinds, found);
  const steps = wantedSteps(wanted, chosen);
  const problems = fixedProblems([...known, ...steps.flatMap(({ differences }) => differences)], placeOf);
  if (problems.length > 0) throw cannotChange(problems);
  return { kinds, wanted, steps: inOrder(withSurplus(steps, surplusOf(chosen, wanted), order)) };
}

/** @returns one for each field that stays as it is */
export function fixedProblems(
  differences: readonly Difference[],
  placeOf: (field: string) => Location | undefined = () => undefined,
): readonly Problem[] {
  const problems = new Map<string, Problem>();
  for (const { field, from, to, isFixed } of differences) {
    if (!isFixed) continue;
    const at = placeOf(field);
    const message = `${field} is ${from} and cannot become ${to}`;
    problems.set(message, { message, hint: isFixed.hint, ...(at && { at }) });
  }
  return [...problems.values()];
}

export function cannotChange(problems: readonly Problem[]): CortexError {
  const [first] = problems;
  if (problems.length === 1 && first) return new CortexError("NOT_SUPPORTED", first.message, first);
  return new CortexError("NOT_SUPPORTED", `${problems.length} fields cannot be changed of a cluster that exists`, {
    problems,
  });
}

/** Those of `wanted` in order, whatever is to be done about them. */
function wantedSteps(wanted: readonly Wanted[], { kept }: Chosen): readonly Step[] {
  const ordered = inOrder(wanted);
  const needs = allNeeds(ordered);
  const known = new Map<string, unknown>();
  return ordered.map((one) => {
    const found = kept.get(one.id)?.found;
    const needed = needs.get(one.id) ?? new Set();
    const seen = statesFor(one.id, wanted, needed, known);
    const step = wantedStep(one, found, () => (found ? one.kind.differences(one.wish, found.state, seen) : []));
    if (!found || !isLasting(step.action)) return step;
    known.set(one.id, found.state);
    return { ...step, mayGo: [...needed].some((need) => !known.has(need)) };
  });
}

function wantedStep(wanted: Wanted, found: Found<unknown> | undefined, differences: () => Iterable<Difference>): Step {
  const { id, kind, needs, detail } = wanted;
  const base = { id, kind, needs, wanted, title: kind.title, ...(found && { found, label: found.label }) };
  const { create, update, remove } = kind.typicalMs;
  const made = { ...base, ...(detail !== undefined && { detail }), differences: [] };
  if (!found) return { ...made, action: "create", expectedMs: create };
  if (found.status === "failed") {
    return { ...made, action: "replace", detail: found.cause ?? "it failed", expectedMs: remove + create };
  }
  if (found.status === "removing") {
    return { ...made, action: "replace", detail: "it is being removed", expectedMs: remove + create };
  }
  const { known, notYet } = knownDifferences(differences);
  const there = { ...base, differences: known };
  if (found.status === "making") return { ...there, action: "settle", detail: "being made", expectedMs: create };
  if (found.status === "changing") return { ...there, action: "settle", detail: "being changed", expectedMs: update };
  if (notYet) return { ...there, action: "update", detail: `after ${resourceName(notYet)}`, expectedMs: update };
  if (known.length > 0) return { ...there, action: "update", expectedMs: update };
  return { ...there, action: "keep", expectedMs: 0 };
}

/** @returns with what others depend on that is only going to be made */
function knownDifferences(differences: () => Iterable<Difference>): {
  readonly known: readonly Difference[];
  readonly notYet?: NotYet;
} {
  const known: Difference[] = [];
  try {
    for (const difference of differences()) known.push(difference);
    return { known };
  } catch (error) {
    if (error instanceof NotYet) return { known, notYet: error };
    throw error;
  }
}

function isLasting(action: Step["action"]): boolean {
  return action === "keep" || action === "update" || action === "settle";
}

function surplusOf({ kept, duplicates }: Chosen, wanted: readonly Wanted[]): readonly FoundOne[] {
  const ids = new Set(wanted.map(({ id }) => id));
  return [...[...kept].filter(([id]) => !ids.has(id)).map(([, one]) => one), ...duplicates];
}

/**
 * Adds the removal of what is too many. It comes last, except where something that it hangs on is made anew: then it goes first,
 * since that cannot be removed before. Those that are wanted and hang on it stay: what failed never carried anything.
 */
function withSurplus(steps: readonly Step[], surplus: readonly FoundOne[], order: KindOrder): readonly Step[] {
  const replaced = new Set(steps.filter(({ action }) => action === "replace").map(({ kind }) => kind.name));
  const inTheWay = new Set([...replaced].flatMap((name) => [...order.needing(name)]));
  const removed = removals(withIds(surplus, new Set(steps.map(({ id }) => id))), order);
  const first = (step: Step) => inTheWay.has(step.kind.name);
  const late = removed.map((step) => {
    if (first(step)) return step;
    const waitsFor = new Set([step.kind.name, ...order.needing(step.kind.name)]);
    return { ...step, needs: [...idsOf(steps, waitsFor), ...step.needs] };
  });
  const freed = steps.map((step) => {
    if (step.action !== "replace") return step;
    const onIt = order.needing(step.kind.name);
    return { ...step, needs: [...step.needs, ...idsOf(removed, onIt)] };
  });
  return [...freed, ...late];
}

function idsOf(steps: readonly Step[], kinds: ReadonlySet<string>): readonly string[] {
  return steps.filter(({ kind }) => kinds.has(kind.name)).map(({ id }) => id);
}

function checkKinds(kinds: readonly AnyKind[], wanted: readonly Wanted[]): void {
  const unknown = wanted.find(({ kind }) => !kinds.some(({ name }) => name === kind.name));
  if (unknown) throw new Error(`${unknown.id} is wanted, but ${unknown.kind.name} is none of the kinds`);
}
