import type { WalkFailure } from "../../core/cloud-cluster.ts";
import { CortexError, errorToJson, exitStatus } from "../../core/errors.ts";
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
  for (const [one, ...others] of alike.values()) {
    const ids = [one!.id, ...others.map(({ id }) => id)].join(", ");
    await stderr.write(errorText(named(ids, one!.error), options));
  }
  await stderr.write(`${failures.length === 1 ? "one part" : `${failures.length} parts`} failed; ${hint}\n`);
  app.exitStatus = exitStatus(first.error);
}

function named(id: string, error: CortexError): CortexError {
  if (error.message.includes(id)) return error;
  const { at, hint, details, problems, cause } = error;
  return new CortexError(error.code, `${id}: ${error.message}`, {
    ...(at && { at }),
    ...(hint !== undefined && { hint }),
    ...(details !== undefined && { details }),
    problems,
    cause,
  });
}

export function failuresJson(failures: readonly WalkFailure[]): unknown {
  return failures.map(({ id, error }) => ({ id, error: errorToJson(error) }));
}
