import { nearest } from "../spec/nearest.ts";
import type { ApiState } from "./environment.ts";
import { CortexError } from "./errors.ts";

/** @returns what to tell somebody who named an API that is not in `env`, where `states` are */
export function apiNotFound(name: string, env: string, states: readonly ApiState[]): CortexError {
  const names = states.map((state) => state.name);
  const near = nearest(name, names);
  const others = names.length === 0 ? "nothing is deployed there" : `deployed there: ${names.join(", ")}`;
  return new CortexError("API_NOT_FOUND", `${name} is not deployed in the environment ${env}`, {
    hint: near ? `did you mean ${near}?` : others,
  });
}
