/**
 * Calls `work` for every item, at most `limit` at a time, and waits for those that have begun even when one fails.
 * @returns the results in the order of `items`
 * @throws the first failure, or the reason of `signal`; then no further item is begun
 */
export async function atMost<T, R>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
  signal: AbortSignal,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < items.length && !failed) {
      signal.throwIfAborted();
      const index = next++;
      try {
        results[index] = await work(items[index]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker));
  const failure = workers.find((one) => one.status === "rejected");
  if (failure) throw failure.reason;
  return results;
}
