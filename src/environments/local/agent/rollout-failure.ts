import { CortexError } from "../../../core/errors.ts";
import type { ReplicaSlot, SlotFailure } from "./replica-slot.ts";

const tailLines = 20;

/** @returns why a rollout stopped, as its user reads it: cause, the traceback or the last log lines, what to do */
export function rolloutFailure(
  api: string,
  slot: ReplicaSlot,
  { exit, error }: SlotFailure,
  serving: number | undefined,
): CortexError {
  const stays = serving === undefined ? "" : `; revision ${serving} serves on`;
  if (error instanceof CortexError) {
    const { at, hint, details, problems } = error;
    return new CortexError(error.code, `${api}: ${error.message}${stays}`, {
      cause: error,
      problems,
      ...(at && { at }),
      ...(hint && { hint }),
      ...(details && { details }),
    });
  }
  if (!exit) {
    const message = error instanceof Error ? error.message : String(error);
    return new CortexError("ROLLOUT_FAILED", `${api}: a replica could not be started: ${message}${stays}`, {
      cause: error,
    });
  }
  // What the runtime itself says of its end is said already.
  const said = new Set([`error: ${exit.reason}`, `hint: ${exit.hint}`]);
  const printed = () => slot.logTail(tailLines).filter((line) => !said.has(line));
  const tail = exit.traceback ?? printed().join("\n");
  return new CortexError("ROLLOUT_FAILED", `${api}: replica ${slot.id}: ${exit.reason}${stays}`, {
    hint: exit.outOfMemory
      ? `give it more memory: raise compute.mem above ${Math.ceil(exit.peakMemoryBytes / 2 ** 20)}Mi`
      : (exit.hint ?? `mend it and deploy again; all it printed: cortex logs ${api} --previous`),
    ...(tail && { details: tail }),
  });
}

/** @returns that a revision was not live in time, and what it waited for */
export function deadlinePassed(api: string, revision: number, waiting: ReplicaSlot | undefined): CortexError {
  const phase = waiting ? `replica ${waiting.id}: ${waiting.phase}` : "it waited for replicas";
  const tail = waiting?.logTail(tailLines).join("\n");
  return new CortexError("TIMED_OUT", `${api}: revision ${revision} was not live in time (${phase})`, {
    hint: `give it longer with --timeout, or see what it does: cortex logs ${api}`,
    ...(tail && { details: tail }),
  });
}
