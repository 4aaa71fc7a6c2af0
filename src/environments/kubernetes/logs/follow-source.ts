import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { pause } from "../../../kubernetes/repeat.ts";
import type { LogSource, SourceState } from "./log-sources.ts";
import { isAbsent, isPassing, type ReadOptions, readSource, type SourceLine } from "./read-source.ts";
import type { LogPosition } from "./stamped-line.ts";

/** What is known of a container while it is followed. */
export interface Followed {
  readonly source: LogSource;
  readonly position: LogPosition;
  /** Undefined: its pod is gone. */
  state(): SourceState | undefined;
  /** Waits for the next news of its pod. @throws the reason of `signal` */
  changed(signal: AbortSignal): Promise<void>;
}

export interface FollowPorts {
  readonly client: KubeClient;
  readonly namespace: string;
  put(line: SourceLine): Promise<void>;
}

const longestWaitMs = 5_000;

/**
 * Hands on what a container prints from where `position` stands, run after run, until its pod is gone. A stream that breaks is
 * begun again where it broke; the end of a run is read once more when the run is known to be over, for streams may end early.
 */
export async function followSource(
  followed: Followed,
  ports: FollowPorts,
  first: ReadOptions,
  signal: AbortSignal,
): Promise<void> {
  let reading: string | undefined;
  let finished: string | undefined;
  let options = first;
  for (let failures = 0; ; ) {
    const state = followed.state();
    if (!state) return;
    const { run, isRunning, previousRun } = state;
    if (run === undefined || run === finished) {
      await followed.changed(signal);
      continue;
    }
    const isBehind = reading === undefined ? followed.position.since !== undefined : reading !== finished;
    if (reading !== run && isBehind && previousRun !== undefined && (reading ?? previousRun) === previousRun) {
      await read(followed, ports, { previous: true }, signal);
    }
    reading = run;
    const { isWhole, isAny } = await read(followed, ports, { ...options, follow: isRunning }, signal);
    options = {};
    if (isAny) failures = 0;
    if (isWhole && !isRunning) finished = run;
    else if (!isWhole || followed.state()?.isRunning !== false) {
      await pause(Math.min(50 * 2 ** failures, longestWaitMs), signal);
      failures += 1;
    }
  }
}

interface Outcome {
  /** Whether the log came to its end. */
  readonly isWhole: boolean;
  readonly isAny: boolean;
}

async function read(
  followed: Followed,
  ports: FollowPorts,
  options: ReadOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { source, position } = followed;
  const { client, namespace } = ports;
  position.restart();
  let isAny = false;
  try {
    const sinceTime = position.since ?? options.sinceTime;
    const tailLines = position.since === undefined ? options.tailLines : undefined;
    for await (const line of readSource(client, namespace, source, { ...options, sinceTime, tailLines }, signal)) {
      if (!position.accept(line)) continue;
      isAny = true;
      await ports.put(line);
    }
    return { isWhole: true, isAny };
  } catch (error) {
    signal.throwIfAborted();
    if (!isAbsent(error) && !isPassing(error)) throw error;
    return { isWhole: false, isAny };
  }
}
