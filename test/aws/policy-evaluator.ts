import type { PolicyDocument } from "../../src/core/cloud-rights.ts";

/** What IAM decides about: one action on one resource, with what is known of the request. */
export interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string | undefined>>;
}

/** @returns whether a statement of `policies` allows it, as IAM reads those that only allow */
export function isAllowed(policies: readonly PolicyDocument[], { action, resource, context }: Asked): boolean {
  return policies
    .flatMap(({ Statement }) => Statement)
    .some(({ Action, Resource, Condition = {} }) => {
      const isMeant = Action.includes(action) && [Resource].flat().some((pattern) => matches(pattern, resource));
      return isMeant && Object.entries(Condition).every(([operator, keys]) => holds(operator, keys, context));
    });
}

function holds(
  operator: string,
  keys: Readonly<Record<string, readonly string[]>>,
  context: Asked["context"],
): boolean {
  return Object.entries(keys).every(([key, wanted]) => {
    const value = context[key];
    if (value === undefined) return false;
    switch (operator) {
      case "StringEquals":
        return wanted.includes(value);
      case "StringLike":
      case "ArnLike":
        return wanted.some((pattern) => matches(pattern, value));
      default:
        throw new Error(`no policy of ours has ${operator}`);
    }
  });
}

function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(text);
}
