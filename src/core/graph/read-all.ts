import { CortexError, problemsOf } from "../errors.ts";
import type { FoundByKind } from "./duplicates.ts";
import type { AnyKind } from "./resource.ts";

/**
 * Reads what there is of all `kinds`, at once.
 * @throws what a kind throws; of several CortexErrors with the same code one with all their problems
 */
export async function readAll(kinds: readonly AnyKind[], signal: AbortSignal): Promise<FoundByKind> {
  const read = await Promise.allSettled(kinds.map(async (kind) => [kind.name, await kind.list(signal)] as const));
  signal.throwIfAborted();
  const failures = read.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (failures.length > 0) throw oneError(failures);
  return new Map(read.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
}

function oneError(failures: readonly unknown[]): unknown {
  const [first] = failures;
  const bug = failures.find((failure) => !(failure instanceof CortexError));
  if (bug) return bug;
  if (failures.length === 1 || !(first instanceof CortexError)) return first;
  const alike = failures.filter((failure) => failure instanceof CortexError && failure.code === first.code);
  const problems = new Map((alike as CortexError[]).flatMap(problemsOf).map((problem) => [problem.message, problem]));
  if (problems.size === 1) return first;
  return new CortexError(first.code, `${problems.size} things cannot be read`, {
    problems: [...problems.values()],
    cause: first,
  });
}
