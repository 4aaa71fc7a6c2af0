import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { LogLine, LogOptions } from "../../../core/environment.ts";
import { asWriteError } from "../../../platform/files.ts";
import { accessChannel, listChannels, pruneChannels, replicaChannel } from "./channels.ts";
import { type AccessLine, accessLogLine, formatLine } from "./log-line.ts";
import { readLog } from "./log-reader.ts";
import { createLogSink, type LogSink } from "./log-sink.ts";
import { RotatingFile } from "./rotating-file.ts";

export type { AccessLine } from "./log-line.ts";
export type { LogSink } from "./log-sink.ts";

export interface LogStoreOptions {
  readonly folder: string;
  /** Per file; default 8 MiB. */
  readonly maxFileBytes?: number;
  /** Per replica, and for the access lines of an API; default 4. */
  readonly maxFiles?: number;
  /** Replicas per API whose output is kept after their end, as far as it takes no more room than two that run; default 20. */
  readonly maxGoneReplicas?: number;
}

/** What the replicas of all APIs print, and the requests they answer, on disk. One process writes and reads it. */
export interface LogStore {
  /** Opens the log of a new replica; whoever opens it closes it. */
  sink(api: string, revision: number, replica: string): LogSink;
  /** Cheap: formatted at once, written later with many others. */
  access(line: AccessLine): void;
  /**
   * Yields lines in order of time; with `follow` until `signal` aborts, which ends the lines without an error, or the API is removed.
   * @throws USAGE when `options.grep` is no regular expression, or takes too long
   */
  read(api: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Removes all lines of an API; sinks that are still open lose what comes later. */
  remove(api: string): Promise<void>;
  /** Writes what waits and closes all files. */
  close(): Promise<void>;
}

/** The files of one API that are being written, and who waits for more. */
interface OpenApi {
  readonly folder: string;
  readonly sinks: Map<string, LogSink>;
  readonly files: Set<RotatingFile>;
  readonly listeners: Set<(replica: string) => void>;
  access: RotatingFile | undefined;
  changed: PromiseWithResolvers<void>;
  isRemoved: boolean;
}

export function createLogStore(options: LogStoreOptions): LogStore {
  const { folder, maxFileBytes = 8 * 1024 * 1024, maxFiles = 4, maxGoneReplicas = 20 } = options;
  const apis = new Map<string, OpenApi>();

  const open = (name: string): OpenApi => {
    const known = apis.get(name);
    if (known) return known;
    const api: OpenApi = {
      folder: join(folder, name),
      sinks: new Map(),
      files: new Set(),
      listeners: new Set(),
      access: undefined,
      changed: Promise.withResolvers(),
      isRemoved: false,
    };
    apis.set(name, api);
    return api;
  };

  const openFile = (api: OpenApi, channel: string, say: (text: string) => void): RotatingFile => {
    const file = new RotatingFile({
      folder: api.folder,
      channel,
      maxFileBytes,
      maxFiles,
      onWritten: () => notify(api),
      onTrouble: (error) => say(`log lines are being lost: ${describe(error, api.folder)}`),
      onRecovered: (lines) => say(`${lines} log lines were lost here`),
    });
    api.files.add(file);
    return file;
  };

  const prune = async (api: OpenApi): Promise<void> => {
    const gone = (await listChannels(api.folder)).filter(({ replica }) => replica && !api.sinks.has(replica));
    await pruneChannels(gone, { channels: maxGoneReplicas, bytes: 2 * maxFileBytes * maxFiles });
  };

  return {
    sink(name, revision, replica) {
      const api = open(name);
      const identity = { api: name, revision, replica };
      const file: RotatingFile = openFile(api, replicaChannel(revision, replica), (text) => sink.system(text));
      const sink: LogSink = createLogSink(identity, file, () => {
        if (api.sinks.get(replica) === sink) api.sinks.delete(replica);
        api.files.delete(file);
        notify(api);
      });
      api.sinks.set(replica, sink);
      for (const listener of api.listeners) listener(replica);
      void prune(api);
      return sink;
    },
    access(line) {
      const api = open(line.api);
      api.access ??= openFile(api, accessChannel, () => {});
      api.access.append(formatLine(accessLogLine(line)));
    },
    read(name, readOptions, signal) {
      const api = open(name);
      const writers = {
        folder: api.folder,
        onOpened: (listener: (replica: string) => void) => {
          api.listeners.add(listener);
          return () => void api.listeners.delete(listener);
        },
        isRemoved: () => api.isRemoved,
        live: () => new Set(api.sinks.keys()),
        flush: async () => void (await Promise.all([...api.files].map((file) => file.flush()))),
        changed: (aborted: AbortSignal) => untilEither(api.changed.promise, aborted),
      };
      return readLog(writers, readOptions, signal);
    },
    async remove(name) {
      const api = open(name);
      apis.delete(name);
      api.isRemoved = true;
      await Promise.all([...api.files].map((file) => file.close()));
      await rm(api.folder, { recursive: true, force: true }).catch((error) => {
        throw asWriteError(error, api.folder);
      });
      notify(api);
    },
    async close() {
      const open = [...apis.values()];
      apis.clear();
      await Promise.all(open.flatMap((api) => [...api.files].map((file) => file.close())));
    },
  };
}

function notify(api: OpenApi): void {
  api.changed.resolve();
  api.changed = Promise.withResolvers();
}

/** Waits without an error for whichever comes first, and leaves no listener behind. */
async function untilEither(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const abort = () => resolve();
  signal.addEventListener("abort", abort, { once: true });
  await Promise.race([promise, aborted]);
  signal.removeEventListener("abort", abort);
}

function describe(error: unknown, folder: string): string {
  const known = asWriteError(error, folder);
  return known instanceof Error ? known.message : String(known);
}
