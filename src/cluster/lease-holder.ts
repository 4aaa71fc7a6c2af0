import { createHash } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import { hostname, networkInterfaces, platform, userInfo } from "node:os";
import process from "node:process";
import { isAlive } from "../platform/processes.ts";

/** A process, as others on the same machine find it. */
export interface ProcessMark {
  /** Differs between machines, between starts of a machine, and between containers on it. */
  readonly machine: string;
  readonly pid: number;
  /** As the system counts it; undefined where it does not tell. */
  readonly startedAt?: string;
}

/** @returns e.g. `ann on laptop` */
export function personAndMachine(): string {
  try {
    return `${userInfo().username} on ${hostname()}`;
  } catch {
    // A container's user may have no name.
    return hostname();
  }
}

export async function markOfProcess(): Promise<ProcessMark> {
  const [machine, startedAt] = await Promise.all([machineMark(), startOf(process.pid)]);
  return { machine, pid: process.pid, ...(startedAt !== undefined && { startedAt }) };
}

/** @returns whether it is certain that a process has ended: one of another machine never is */
export async function hasEnded(mark: ProcessMark): Promise<boolean> {
  if (mark.machine !== (await machineMark())) return false;
  if (!isAlive(mark.pid)) return true;
  const now = await startOf(mark.pid);
  // Another process has got its number.
  return mark.startedAt !== undefined && now !== undefined && mark.startedAt !== now;
}

async function machineMark(): Promise<string> {
  if (platform() === "linux") {
    const [boot, processes] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
      readlink("/proc/self/ns/pid").catch(() => ""),
    ]);
    if (boot !== "" && processes !== "") return hash(`${boot.trim()} ${processes}`);
  }
  const cards = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ mac }) => mac));
  return hash(`${hostname()} ${[...new Set(cards)].sort().join(" ")}`);
}

/** @returns clock ticks from the machine's start to that of the process; `ended` when only its parent still knows it */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The name of the program stands in parentheses, and may hold spaces and parentheses.
  const [state, ...rest] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return state === "Z" ? "ended" : rest[18];
}

/** What a machine is called is nothing to tell others. */
function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
