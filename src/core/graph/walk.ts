import type { Clock } from "./resource.ts";
import { Slots, sharingClock } from "./slots.ts";

/** How many are at work at once; who sleeps until the provider is done does not count. More gains nothing. */
const mostAtOnce = 16;

export interface Task {
  readonly id: string;
  readonly needs: readonly string[];
}

export interface WalkOptions<T extends Task> {
  readonly clock: Clock;
  /** @param clock to sleep by: who sleeps leaves its place to another */
  readonly run: (task: T, clock: Clock, signal: AbortSignal) => Promise<void>;
  /** True of one that is run also when something that it needs has failed. */
  readonly runsAnyway?: (task: T) => boolean;
  readonly onFailed?: (task: T, error: unknown) => void;
  /** @param because the id of one that failed or was blocked itself */
  readonly onBlocked?: (task: T, because: string) => void;
  readonly limit?: number;
}

export interface WalkResult {
  readonly failures: readonly { readonly id: string; readonly error: unknown }[];
  /** Ids of those that were never begun, because of one that failed. */
  readonly blocked: readonly string[];
}

/**
 * Runs every task as soon as all that it needs are done. One that fails keeps back only those that need it, directly or through others.
 * @param tasks each after those that it needs
 * @throws the reason of `signal` when it aborts: nothing new is begun then, and those at work, which are told, have ended
 */
export async function walk<T extends Task>(
  tasks: readonly T[],
  { clock, run, runsAnyway = () => false, onFailed, onBlocked, limit = mostAtOnce }: WalkOptions<T>,
  signal: AbortSignal,
): Promise<WalkResult> {
  const slots = new Slots(limit);
  const shared = sharingClock(clock, slots);
  const failures: { id: string; error: unknown }[] = [];
  const blocked: string[] = [];

  const inSlot = async (task: T): Promise<boolean> => {
    await slots.take();
    try {
      if (signal.aborted) return false;
      await run(task, shared, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      failures.push({ id: task.id, error });
      onFailed?.(task, error);
      return false;
    } finally {
      slots.give();
    }
  };

  const ends = new Map<string, Promise<boolean>>();
  const whenFree = async (task: T): Promise<boolean> => {
    const needed = await Promise.all(task.needs.map((need) => ends.get(need) ?? missing(task, need)));
    if (signal.aborted) return false;
    const because = task.needs[needed.indexOf(false)];
    if (because === undefined || runsAnyway(task)) return inSlot(task);
    blocked.push(task.id);
    onBlocked?.(task, because);
    return false;
  };
  for (const task of tasks) ends.set(task.id, whenFree(task));
  await Promise.all(ends.values());
  signal.throwIfAborted();
  return { failures, blocked };
}

function missing(task: Task, need: string): never {
  throw new Error(`${task.id} needs ${need}, which does not stand before it`);
}
