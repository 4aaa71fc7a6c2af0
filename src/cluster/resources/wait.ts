import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import type { Doing } from "../../core/graph/resource.ts";

/** What a wait needs of what is done. */
export type Waiting = Pick<Doing, "clock" | "report">;

const knownWithinMs = 60_000;
/** What AWS holds back may take this long to be let go. */
const releasedWithinMs = 20 * 60_000;
/** What somebody else made goes only when that somebody removes it. */
const lastingWithinMs = 3 * 60_000;

/** What was made a moment ago may not be known everywhere yet: asks again for as long as it is said not to be there. */
export async function untilKnown<T>(waiting: Waiting, ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const startedAt = waiting.clock.now();
  for (let pollMs = 500; ; pollMs = Math.min(pollMs * 2, 5_000)) {
    try {
      return await ask();
    } catch (error) {
      const name = awsErrorName(error) ?? "";
      const isUnknown = /NotFound(?:Exception)?$|^NoSuch/.test(name);
      if (!isUnknown || waiting.clock.now() - startedAt > knownWithinMs) throw error;
    }
    await waiting.clock.sleep(pollMs, signal);
  }
}

export interface Removal {
  /** For people: `VPC vpc-0a1b`. */
  readonly what: string;
  /** Names of AWS's errors: it is gone; something hangs on it. */
  readonly gone: readonly string[];
  readonly busy: readonly string[];
  /** How long as a rule until nothing hangs on it any more. */
  readonly typicalMs?: number;
  remove(): Promise<unknown>;
  /** Lets go of what may be let go, and tells what still holds it. */
  release(): Promise<Holders>;
}

/** Who holds something. */
export interface Holders {
  /** For people; empty when nobody can be seen. */
  readonly names: string;
  /** None of them goes by itself. */
  readonly areLasting?: boolean;
}

/**
 * Removes something that others may hang on, until it is gone.
 * @throws TIMED_OUT naming what holds it, when nothing lets go
 */
export async function removeWhenFree(removal: Removal, waiting: Waiting, signal: AbortSignal): Promise<void> {
  const { what, typicalMs = 90_000 } = removal;
  const { clock, report } = waiting;
  const startedAt = clock.now();
  const look = async (): Promise<true | undefined> => {
    const state = await attempt(removal);
    if (state === "gone") return true;
    const { names, areLasting = false } = await removal.release();
    report(names ? `in use by ${names}` : "in use");
    if (clock.now() - startedAt < (areLasting ? lastingWithinMs : releasedWithinMs)) return undefined;
    throw new CortexError("TIMED_OUT", `${what} is in use by ${names || "something that AWS does not name"}`, {
      hint: "remove what uses it, then run the same command again",
    });
  };
  if (await look()) return;
  // What was released just now may have been all that held it.
  if ((await attempt(removal)) === "gone") return;
  await poll(look, { clock, until: `${what} is gone`, typicalMs, timeoutMs: releasedWithinMs * 2 }, signal);
}

async function attempt({ remove, gone, busy }: Removal): Promise<"gone" | "busy"> {
  try {
    await remove();
    return "gone";
  } catch (error) {
    const name = awsErrorName(error) ?? "";
    if (gone.includes(name)) return "gone";
    if (busy.includes(name)) return "busy";
    throw error;
  }
}

/** Does it unless AWS answers with one of the errors named, which say that it is done already. */
export async function unless(errors: readonly string[], ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!errors.includes(awsErrorName(error) ?? "")) throw error;
  }
}
