import { readFileSync } from "node:fs";
import { GroupSampler } from "../../../src/environments/local/replicas/process-memory.ts";

/** Resident memory of a process and of all that it started; 0 when it is gone. @param leader of a process group */
export function groupBytes(leader: number): number {
  return new GroupSampler().sample(new Set([leader])).get(leader)?.bytes ?? 0;
}

/** Resident memory of one process alone. @throws when it is gone */
export function processBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  if (!kibibytes) throw new Error(`process ${pid} is gone`);
  return Number(kibibytes) * 1024;
}
