import { socketFolder } from "../../../platform/home.ts";
import type { Installation } from "../installation.ts";
import { localFolders } from "../local-folders.ts";
import type { LogStore } from "../logs/log-store.ts";
import { preparePackages } from "../packages/prepare-packages.ts";
import type { MemoryWatch } from "../replicas/memory-watch.ts";
import { startReplica } from "../replicas/replica.ts";
import { snapshotFolder } from "../snapshots.ts";
import type { SlotPorts } from "./replica-slot.ts";

export interface StarterParts {
  readonly home: string;
  readonly installation: Installation;
  readonly logs: LogStore;
  readonly memory: MemoryWatch;
  /** Gets the key of every package environment that a replica was started in. */
  readonly usedPackages: Set<string>;
}

/** @returns how an agent starts a replica: packages first, then the process, its output to the logs */
export function replicaStarter({
  home,
  installation,
  logs,
  memory,
  usedPackages,
}: StarterParts): Pick<SlotPorts, "openLog" | "start"> {
  return {
    openLog: ({ revision }, replica) => logs.sink(revision.spec.name, revision.number, replica),
    async start({ revision, history }, replica, log, signal) {
      const { handler } = revision.spec;
      const projectDir = await snapshotFolder(home, revision.project);
      if (!handler || !projectDir)
        throw new Error(`revision ${revision.number} has no ${handler ? "snapshot" : "handler"}`);
      const progress = (line: string) => {
        log.system(line);
        history.push({ type: "replica", replica, phase: "preparing packages", at: Date.now(), detail: line });
      };
      const runtime = await installation.files(home, signal);
      const request = { home, projectDir, handler, runtime, variables: process.env };
      const python = await preparePackages(request, progress, signal);
      usedPackages.add(python.key);
      return startReplica({
        id: replica,
        api: revision.spec,
        revision: revision.number,
        projectDir,
        python,
        runtimeDir: runtime.runtimeFolder,
        socketFolder: socketFolder(home),
        stateFolder: localFolders(home).replicas,
        env: handler.env,
        log,
        memory,
      });
    },
  };
}
