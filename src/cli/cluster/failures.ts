import type { WalkFailure } from "../../core/cloud-cluster.ts";
import { CortexError, errorToJson, exitStatus } from "../../core/errors.ts";
import { resourceName } from "../../core/graph/resource-name.ts";
import type { App } from "../app.ts";
import { errorText } from "../render/error-text.ts";
import { paletteFor } from "../render/paint.ts";

/** Prints what failed of a plan, and ends with the status of the first failure. */
export async function reportFailures(app: App, failures: readonly WalkFailure[], hint: string): Promise<void> {
  const [first] = failures;
  if (!first) return;
  const { stderr } = app.terminal;
  const options = {
    palette: await paletteFor(stderr),
    columns: stderr.columns,
    withStacks: app.variables.CORTEX_DEBUG === "1",
  };
  // What stops one, such as credentials that have expired, stops all that run: it is told once.
  const alike = Map.groupBy(failures, ({ error: { code, message, hint: next } }) =>
    JSON.stringify([code, message, next]),
  );
  for (const some of alike.values()) await stderr.write(errorText(named(some), options));
  await stderr.write(`${failures.length === 1 ? "one part" : `${failures.length} parts`} failed; ${hint}\n`);
  app.exitStatus = exitStatus(first.error);
}

/** @param alike failures that say the same */
function named(alike: readonly WalkFailure[]): CortexError {
  const { error } = alike[0]!;
  const names = alike.map(resourceName);
  // It may say itself what it is about: by its name, or by the field that asks for it.
  const isTold =
    names.length === 1 && (error.message.includes(names[0]!) || /^[a-z]+(?:_[a-z]+)+\b/.test(error.message));
  if (isTold) return error;
  const { at, hint, details, problems, cause } = error;
  return new CortexError(error.code, `${names.join(", ")}: ${error.message}`, {
    // Of several, it is about none alone.
    ...(at && alike.length === 1 && { at }),
    ...(hint !== undefined && { hint }),
    ...(details !== undefined && { details }),
    problems,
    cause,
  });
}

export function failuresJson(failures: readonly WalkFailure[]): unknown {
  return failures.map(({ id, title, error }) => ({ id, title, error: errorToJson(error) }));
}
