import type { Api } from "../spec/api.ts";
import { nearest } from "../spec/nearest.ts";
import type { ApiState } from "./environment.ts";
import { CortexError, type Problem } from "./errors.ts";

/** @returns the APIs that `api` sends requests to, in its order; none unless it is a TrafficSplitter */
export function targetsOf(api: Api): readonly string[] {
  return api.kind === "TrafficSplitter" ? api.apis.map((target) => target.name) : [];
}

/** @returns what is wrong with the targets of `wanted`: each must be a RealtimeAPI that is deployed, or deployed with it */
export function targetProblems(wanted: readonly Api[], live: readonly ApiState[]): readonly Problem[] {
  const kinds = new Map([
    ...live.map((state) => [state.name, state.kind] as const),
    ...wanted.map((api) => [api.name, api.kind] as const),
  ]);
  const realtime = [...kinds].filter(([, kind]) => kind === "RealtimeAPI").map(([name]) => name);
  return wanted.flatMap((splitter) =>
    targetsOf(splitter)
      .filter((target) => kinds.get(target) !== "RealtimeAPI")
      .map((target) => targetProblem(splitter.name, target, kinds.get(target), realtime)),
  );
}

function targetProblem(
  splitter: string,
  target: string,
  kind: string | undefined,
  realtime: readonly string[],
): Problem {
  if (kind !== undefined) {
    return {
      message: `${splitter}: apis: ${target} is of kind ${kind}`,
      hint: "traffic is split among RealtimeAPIs only",
    };
  }
  const near = nearest(target, realtime);
  return {
    message: `${splitter}: apis: ${target} is neither deployed nor in this file`,
    hint: near ? `did you mean ${near}?` : `deploy ${target} first, or describe it in the same file`,
  };
}

/** @returns the names of those TrafficSplitters among `states` that send requests to `target` */
export function splittersOf(target: string, states: readonly Pick<ApiState, "name" | "revision">[]): readonly string[] {
  return states.filter(({ revision }) => targetsOf(revision.spec).includes(target)).map(({ name }) => name);
}

/** @returns why `target` is not deleted: `splitters` send requests to it @param inEnv see `Environment.inEnv` */
export function targetInUse(target: string, splitters: readonly string[], inEnv = ""): CortexError {
  const subject = splitters.length === 1 ? "the TrafficSplitter" : "the TrafficSplitters";
  const verb = splitters.length === 1 ? "sends" : "send";
  const names = splitters.join(", ");
  return new CortexError("CONFLICT", `${target} is in use: ${subject} ${names} ${verb} requests to it`, {
    hint: `take ${target} out of the apis of ${names}, or delete both at once: cortex delete ${target} ${splitters.join(" ")}${inEnv}`,
  });
}

/** Which of `doomed` may go when: splitters first, so that no request finds its target gone. */
export interface Deletion {
  readonly first: readonly ApiState[];
  readonly afterwards: readonly ApiState[];
  /** Those that a splitter which stays needs. */
  readonly refused: readonly { readonly state: ApiState; readonly error: CortexError }[];
}

/** @param live all that is deployed, `doomed` too */
export function planDeletion(doomed: readonly ApiState[], live: readonly ApiState[], inEnv = ""): Deletion {
  const staying = live.filter((state) => !doomed.some(({ name }) => name === state.name));
  const users = new Map(doomed.map(({ name }) => [name, splittersOf(name, staying)]));
  const free = doomed.filter(({ name }) => users.get(name)!.length === 0);
  return {
    first: free.filter(({ kind }) => kind === "TrafficSplitter"),
    afterwards: free.filter(({ kind }) => kind !== "TrafficSplitter"),
    refused: doomed.flatMap((state) => {
      const splitters = users.get(state.name)!;
      return splitters.length === 0 ? [] : [{ state, error: targetInUse(state.name, splitters, inEnv) }];
    }),
  };
}

/**
 * @param api what was asked for
 * @param what a TrafficSplitter does not have, e.g. "replicas to replace"
 * @param command what to ask of its APIs instead, e.g. "refresh"
 */
export function splitterHasNone(api: Api, what: string, command: string, inEnv = ""): CortexError {
  return new CortexError("NOT_SUPPORTED", `${api.name} is a TrafficSplitter: it has no ${what}`, {
    hint: `its APIs have: ${targetsOf(api)
      .map((target) => `cortex ${command} ${target}${inEnv}`)
      .join(", ")}`,
  });
}

/** @returns why `splitter` is not rolled out: its `target` failed with nothing older to serve instead */
export function targetFailed(splitter: string, target: string, isLive: boolean, cause: CortexError): CortexError {
  const outcome = isLive ? `${splitter} stays as it was` : `${splitter} was not created`;
  return new CortexError("ROLLOUT_FAILED", `${splitter}: its API ${target} failed and was never live; ${outcome}`, {
    hint: `mend ${target} and deploy again`,
    cause,
  });
}
