import { access, constants, mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A control group (v2) in which the kernel itself holds a memory limit. */
export interface MemoryCgroup {
  add(pid: number): Promise<void>;
  /** @returns the most memory it held, 0 when the kernel does not tell */
  peakBytes(): Promise<number>;
  /** @returns whether the kernel ended a process in it for want of memory */
  hitLimit(): Promise<boolean>;
  /** Ends whatever is left in it. */
  remove(): Promise<void>;
}

/**
 * @returns the nearest group above this process in which it may make groups with a memory limit, e.g. that of a user's
 * systemd session; undefined when there is none, as on systems without cgroup v2
 */
export async function findCgroupParent(
  mount = "/sys/fs/cgroup",
  membership = "/proc/self/cgroup",
): Promise<string | undefined> {
  const path = /^0::(.*)$/m.exec(await readOr(membership, ""))?.[1];
  if (path === undefined) return undefined;
  for (let folder = join(mount, path); folder.startsWith(mount); folder = dirname(folder)) {
    // A group that holds processes has no controllers for groups below it, so this never finds our own.
    const controllers = (await readOr(join(folder, "cgroup.subtree_control"), "")).split(/\s+/);
    if (controllers.includes("memory") && (await isWritable(folder))) return folder;
  }
  return undefined;
}

/** @returns undefined when the kernel does not let us make one after all */
export async function createMemoryCgroup(
  parent: string,
  name: string,
  limitBytes: number,
): Promise<MemoryCgroup | undefined> {
  const folder = join(parent, `cortex-${name}`);
  const write = (file: string, value: string) => writeFile(join(folder, file), value);
  try {
    await mkdir(folder);
    await write("memory.max", String(limitBytes));
  } catch {
    await rmdir(folder).catch(() => {});
    return undefined;
  }
  // Without them a limit still holds: swap may hide it for a while, and one process may outlive another.
  await write("memory.swap.max", "0").catch(() => {});
  await write("memory.oom.group", "1").catch(() => {});
  return {
    add: (pid) => write("cgroup.procs", String(pid)),
    peakBytes: async () => Number.parseInt(await readOr(join(folder, "memory.peak"), "0"), 10) || 0,
    hitLimit: async () => /^oom_kill [1-9]/m.test(await readOr(join(folder, "memory.events"), "")),
    async remove() {
      await write("cgroup.kill", "1").catch(() => {});
      for (let attempt = 0; attempt < 20; attempt += 1) {
        const error = await rmdir(folder).catch((failure: NodeJS.ErrnoException) => failure);
        if (error?.code !== "EBUSY") return;
        // The kernel takes a moment to see its processes off.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

async function readOr(file: string, otherwise: string): Promise<string> {
  return readFile(file, "utf8").catch(() => otherwise);
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    // Moving a process needs this one too.
    await access(join(folder, "cgroup.procs"), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
