import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createLogStore, type LogSink } from "../../../../src/environments/local/logs/log-store.ts";
import { createMemoryWatch } from "../../../../src/environments/local/replicas/memory-watch.ts";
import {
  type Replica,
  type ReplicaOptions,
  startReplica,
} from "../../../../src/environments/local/replicas/replica.ts";
import { findPython } from "../../../../src/packages/find-python.ts";
import type { RealtimeApi } from "../../../../src/spec/api.ts";

export const echoRuntime = resolve(import.meta.dirname, "../../../fixtures/echo-runtime");

export interface Started extends AsyncDisposable {
  readonly replica: Replica;
  readonly log: LogSink;
  readonly folder: string;
}

/** Starts a replica in a folder of its own; both are gone when the scope ends. */
export async function start(
  config: Record<string, string> = {},
  options: Partial<ReplicaOptions> & { readonly memBytes?: number; readonly processes?: number } = {},
): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  const log = createLogStore({ folder: join(folder, "logs") }).sink("echo", 1, "r1");
  const memory = createMemoryWatch({ intervalMs: 50 });
  const starting = startReplica({
    id: "r1",
    api: echoApi(config, options.memBytes ?? null, options.processes ?? 1),
    revision: 1,
    projectDir: folder,
    python: { key: "none", python: await interpreter(), wheelsDir: folder },
    runtimeDir: echoRuntime,
    socketFolder: join(folder, "run"),
    stateFolder: join(folder, "state"),
    env: {},
    log,
    memory,
    ...options,
  });
  const replica = await starting.catch(async (error) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    replica,
    log,
    folder,
    async [Symbol.asyncDispose]() {
      await replica.stop(0);
      memory.close();
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function interpreter(): Promise<string> {
  return (await findPython(process.env, AbortSignal.timeout(120_000))).executable;
}

function echoApi(config: Record<string, string>, mem_bytes: number | null, processes_per_replica: number): RealtimeApi {
  // Only what a replica looks at.
  return {
    kind: "RealtimeAPI",
    name: "echo",
    handler: { path: "handler.py", config, processes_per_replica },
    compute: { mem_bytes },
  } as unknown as RealtimeApi;
}
