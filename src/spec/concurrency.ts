/** What decides how many requests a replica takes; null where the file says nothing. */
export interface ConcurrencyInput {
  /** Undefined: the API runs containers. */
  readonly handler: { readonly processes: number; readonly threads: number } | undefined;
  readonly max_concurrency: number | null;
  readonly max_queue_length: number | null;
  /** `max_replica_concurrency` of files before 0.36. */
  readonly inReplica: number | undefined;
  readonly isBefore036: boolean;
}

/** What fits into a replica by default, by release. */
const defaultQueueLength = 100;
const inReplicaBefore036 = 1024;

/**
 * Older releases bounded the sum of requests in-flight and waiting; that sum is kept exactly, so that a replica goes on
 * answering 503 from the same load on.
 */
export function decideConcurrency(input: ConcurrencyInput): { max_concurrency: number; max_queue_length: number } {
  const natural = input.handler ? input.handler.processes * input.handler.threads : 1;
  const sum = input.inReplica ?? (input.isBefore036 ? Math.max(inReplicaBefore036, natural) : undefined);
  const max_concurrency = input.max_concurrency ?? (sum === undefined ? natural : Math.min(natural, sum));
  const leftOver = sum === undefined ? defaultQueueLength : Math.max(0, sum - max_concurrency);
  return { max_concurrency, max_queue_length: input.max_queue_length ?? leftOver };
}

/** One process works on one request per thread; a Python batch needs a thread for each request in it. */
export function decideThreads(threads: number | null, batchSize: number | undefined, type: string): number {
  return threads ?? (type === "python" ? batchSize : undefined) ?? 1;
}
