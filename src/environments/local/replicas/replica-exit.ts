/** How a replica ended. */
export interface ReplicaExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  /** The most memory that was seen, 0 where that cannot be seen. */
  readonly peakMemoryBytes: number;
  /** One line. */
  readonly reason: string;
  /** Of the user's code, when an exception of it ended the replica. */
  readonly traceback?: string;
  /** What to do next, where the runtime knows. */
  readonly hint?: string;
}

export interface ObservedEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  readonly peakMemoryBytes: number;
  readonly memoryLimitBytes: number | null;
  /** What the runtime said of it. */
  readonly failure?: { readonly error: string; readonly traceback?: string; readonly hint?: string };
  readonly wasStopped: boolean;
}

/** @returns what `end` means in words: memory first, then what the runtime said, then what the system saw */
export function describeEnd(end: ObservedEnd): ReplicaExit {
  const { code, signal, outOfMemory, peakMemoryBytes, failure } = end;
  const exit = { code, signal, outOfMemory, peakMemoryBytes };
  if (outOfMemory) return { ...exit, reason: outOfMemoryReason(end) };
  if (!failure) return { ...exit, reason: plainReason(end) };
  return {
    ...exit,
    reason: failure.error,
    ...(failure.traceback && { traceback: failure.traceback }),
    ...(failure.hint && { hint: failure.hint }),
  };
}

function outOfMemoryReason({ peakMemoryBytes, memoryLimitBytes }: ObservedEnd): string {
  const facts = [
    ...(peakMemoryBytes > 0 ? [`peak ${mebibytes(peakMemoryBytes)}`] : []),
    ...(memoryLimitBytes === null ? [] : [`limit ${mebibytes(memoryLimitBytes)}`]),
  ];
  return facts.length > 0 ? `out of memory (${facts.join(", ")})` : "out of memory";
}

function plainReason({ code, signal, wasStopped }: ObservedEnd): string {
  if (wasStopped) return "stopped";
  return signal ? `killed by ${signal}` : `exited with status ${code}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / (1024 * 1024))} MiB`;
}
