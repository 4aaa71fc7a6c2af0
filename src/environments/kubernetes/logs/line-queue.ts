import { untilAborted } from "../../../core/streams.ts";

/** What several writers put in and one reader takes out in batches. A full queue holds its writers up. */
export class LineQueue<T> {
  readonly #most: number;
  #held: T[] = [];
  #filled = Promise.withResolvers<void>();
  #emptied = Promise.withResolvers<void>();
  #ended = false;
  #failure: unknown;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws the reason of `signal` */
  async put(one: T, signal: AbortSignal): Promise<void> {
    while (this.#held.length >= this.#most) await untilAborted(this.#emptied.promise, signal);
    this.#held.push(one);
    this.#filled.resolve();
  }

  /** Nothing more comes; a failure is thrown to the reader when it has taken all. */
  end(failure?: unknown): void {
    this.#failure ??= failure;
    this.#ended = true;
    this.#filled.resolve();
  }

  /** Waits until there is something. @returns whether there is; false at the end. @throws the failure, the reason of `signal` */
  async filled(signal: AbortSignal): Promise<boolean> {
    while (this.#held.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return false;
      await untilAborted(this.#filled.promise, signal);
      if (this.#held.length === 0 && !this.#ended) this.#filled = Promise.withResolvers();
    }
    return true;
  }

  take(): T[] {
    const all = this.#held;
    this.#held = [];
    this.#filled = Promise.withResolvers();
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
    if (this.#ended) this.#filled.resolve();
    return all;
  }
}
