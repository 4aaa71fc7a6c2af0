type Tell<E> = (event: E) => void;

interface Running<T, E> {
  readonly done: Promise<T>;
  readonly listeners: Set<Tell<E>>;
  readonly signal: AbortSignal;
}

/** Does something under a key; those that want the same while it is done share it, and hear what it tells from then on. */
export type Share<T, E> = (
  key: string,
  work: (onEvent: Tell<E>) => Promise<T>,
  onEvent: Tell<E>,
  signal: AbortSignal,
) => Promise<T>;

/** @param isKept whether a result counts for all who come later, too */
export function sharing<T, E>(isKept: boolean): Share<T, E> {
  const running = new Map<string, Running<T, E>>();
  return async (key, work, onEvent, signal) => {
    for (;;) {
      signal.throwIfAborted();
      const found = running.get(key) ?? begin(key, work, signal);
      found.listeners.add(onEvent);
      try {
        return await found.done;
      } catch (error) {
        // Whoever began it was stopped, which says nothing to the others.
        if (!found.signal.aborted || signal.aborted) throw error;
      } finally {
        found.listeners.delete(onEvent);
      }
    }
  };

  function begin(key: string, work: (onEvent: Tell<E>) => Promise<T>, signal: AbortSignal): Running<T, E> {
    const listeners = new Set<Tell<E>>();
    const done = work((event) => {
      for (const listener of listeners) listener(event);
    });
    const forget = () => running.delete(key);
    done.then(isKept ? undefined : forget, forget);
    const one = { done, listeners, signal };
    running.set(key, one);
    return one;
  }
}
