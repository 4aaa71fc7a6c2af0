/**
 * Yields the values of all `sources` as they come, each source in its own order; ends when all have ended.
 * When one throws, or the consumer stops, the others are told to return.
 */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const next = (index: number) => iterators[index]!.next().then((result) => ({ index, result }));
  const pending = new Map(iterators.map((_, index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      if (result.done) pending.delete(index);
      else {
        pending.set(index, next(index));
        yield result.value;
      }
    }
  } finally {
    for (const running of pending.values()) running.catch(() => {});
    await Promise.allSettled([...pending.keys()].map((index) => iterators[index]!.return?.()));
  }
}

/**
 * A list of events that grows until it ends; every reader gets all of them from the beginning, then waits for more.
 * One writer, any number of readers; a reader that stops reading costs nothing.
 */
export class EventHistory<T> {
  readonly #events: T[] = [];
  #ended = false;
  #failure: unknown;
  #wake = Promise.withResolvers<void>();

  /** After the end nobody waits for more: what comes then is dropped, so that what lives long does not grow. */
  push(event: T): void {
    if (this.#ended) return;
    this.#events.push(event);
    this.#notify();
  }

  /** Readers end after the last event, or throw `failure` when there is one. */
  end(failure?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#notify();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** @throws the reason of `signal` when it aborts while this waits */
  async *read(signal: AbortSignal): AsyncGenerator<T> {
    for (let position = 0; ; ) {
      while (position < this.#events.length) yield this.#events[position++]!;
      if (this.#ended) break;
      await untilAborted(this.#wake.promise, signal);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** Waits for `promise`, but no longer than until `signal` aborts. @throws the reason of `signal` */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
