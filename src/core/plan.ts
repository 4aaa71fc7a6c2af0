import type { Api, ApiKind } from "../spec/api.ts";
import type { ApiState, Project } from "./environment.ts";
import { CortexError, type Problem } from "./errors.ts";
import { targetProblems } from "./splitters.ts";

/** One field (or the project's files) that a deploy would change; values of environment variables are never shown. */
export interface Difference {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

export interface ApiChange {
  readonly name: string;
  readonly kind: ApiKind;
  readonly change: "create" | "update" | "unchanged";
  readonly differences: readonly Difference[];
  readonly notices: readonly string[];
}

/** An API as it should be: the spec, and the id that this content would have as a revision. */
export interface WantedApi {
  readonly api: Api;
  /** As the environment keeps it, see `Environment.stored`. */
  readonly stored: Api;
  readonly revisionId: string;
  readonly notices: readonly string[];
}

/** What a deploy of `wanted` over `project` would change. Touches nothing. */
export function planChanges(
  wanted: readonly WantedApi[],
  project: Project,
  live: readonly ApiState[],
): readonly ApiChange[] {
  const states = new Map(live.map((state) => [state.name, state]));
  return wanted.map(({ api, stored, revisionId, notices }) => {
    const state = states.get(api.name);
    const base = { name: api.name, kind: api.kind, notices };
    if (!state) return { ...base, change: "create", differences: [] };
    const isSame = state.revision.id === revisionId;
    const isServing = state.serving === state.revision.number || state.status.code === "status_live";
    const drift = state.drift ?? [];
    const change = isSame && isServing && drift.length === 0 ? "unchanged" : "update";
    return { ...base, change, differences: [...(isSame ? [] : differencesOf(state, stored, project)), ...drift] };
  });
}

/**
 * @returns what stands in the way of deploying `wanted` beside `live`: kinds that change, endpoints that are taken, targets
 * of splitters that are not there
 */
export function conflictsWithLive(wanted: readonly Api[], live: readonly ApiState[], inEnv = ""): readonly Problem[] {
  return [...clashes(wanted, live, inEnv), ...targetProblems(wanted, live)];
}

function clashes(wanted: readonly Api[], live: readonly ApiState[], inEnv: string): readonly Problem[] {
  const names = new Set(wanted.map((api) => api.name));
  return wanted.flatMap((api) => {
    const problems: Problem[] = [];
    const same = live.find((state) => state.name === api.name);
    if (same && same.kind !== api.kind) {
      problems.push({
        message: `${api.name}: its kind cannot change from ${same.kind} to ${api.kind}`,
        hint: `delete it first: cortex delete ${api.name}${inEnv}`,
      });
    }
    const taken = live.find(
      (state) => !names.has(state.name) && state.revision.spec.networking.endpoint === api.networking.endpoint,
    );
    if (taken) {
      problems.push({
        message: `${api.name}: networking.endpoint: ${api.networking.endpoint} is the endpoint of ${taken.name} already`,
        hint: `give ${api.name} another networking.endpoint, or delete ${taken.name}`,
      });
    }
    return problems;
  });
}

/** @throws the one problem, or one error that holds all of them */
export function throwProblems(problems: readonly Problem[], code: "SPEC_INVALID" | "NOT_SUPPORTED"): void {
  const first = problems[0];
  if (!first) return;
  if (problems.length === 1) throw new CortexError(code, first.message, first);
  throw new CortexError(code, `${problems.length} problems`, { problems });
}

function differencesOf(state: ApiState, api: Api, project: Project): Difference[] {
  const before = flatten(state.revision.spec);
  const after = flatten(api);
  const differences = [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => ({ path, before: masked(path, before.get(path)), after: masked(path, after.get(path)) }));
  // Empty where no file of the project matters.
  if (api.kind !== "TrafficSplitter" && state.revision.project !== "" && state.revision.project !== project.digest) {
    differences.push({
      path: "project",
      before: state.revision.project.slice(0, 12),
      after: project.digest.slice(0, 12),
    });
  }
  return differences;
}

/** @returns every leaf of `value` by its dotted path; null ones are left out, as if they were not written */
function flatten(value: unknown, path = "", into = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) return into;
  if (typeof value !== "object") into.set(path, String(value));
  else {
    const step = Array.isArray(value) ? (key: string) => `[${key}]` : (key: string) => (path ? `.${key}` : key);
    for (const [key, child] of Object.entries(value)) flatten(child, path + step(key), into);
  }
  return into;
}

function masked(path: string, value: string | undefined): string | undefined {
  return value !== undefined && /(^|\.)env\./.test(path) ? "(hidden)" : value;
}
