import type { Revision, RolloutEvent } from "../../../core/environment.ts";
import type { CortexError } from "../../../core/errors.ts";
import { EventHistory } from "../../../core/streams.ts";
import type { RealtimeApi } from "../../../spec/api.ts";

/** A revision as the agent stores it: what runs here is a RealtimeAPI. */
export type LocalRevision = Revision & { readonly spec: RealtimeApi };

export interface GenerationFailure {
  readonly message: string;
  readonly outOfMemory: boolean;
}

/**
 * One attempt to run a revision. A refresh, or another try after a failure, is a new generation of the same revision:
 * replicas of one generation are alike, those of another are to be replaced.
 */
export class Generation {
  readonly revision: LocalRevision;
  readonly history = new EventHistory<RolloutEvent>();
  readonly startedAt = Date.now();
  #state: "rolling" | "live" | "failed" = "rolling";
  #failure: GenerationFailure | undefined;
  readonly #deadline: NodeJS.Timeout | undefined;

  /** @param onDeadline called when it is still rolling after `timeoutMs` */
  constructor(revision: LocalRevision, deadline?: { readonly timeoutMs: number; readonly onDeadline: () => void }) {
    this.revision = revision;
    if (deadline) this.#deadline = setTimeout(deadline.onDeadline, Math.min(deadline.timeoutMs, 2 ** 31 - 1));
  }

  get state(): "rolling" | "live" | "failed" {
    return this.#state;
  }

  get failure(): GenerationFailure | undefined {
    return this.#failure;
  }

  becomeLive(endpoint: string): void {
    clearTimeout(this.#deadline);
    this.#state = "live";
    this.history.push({ type: "live", revision: this.revision.number, endpoint });
    this.history.end();
  }

  fail(error: CortexError, outOfMemory = false): void {
    clearTimeout(this.#deadline);
    this.#state = "failed";
    this.#failure = { message: error.message, outOfMemory };
    this.history.end(error);
  }
}
