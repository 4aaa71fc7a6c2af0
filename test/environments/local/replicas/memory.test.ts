import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createMemoryCgroup, findCgroupParent } from "../../../../src/environments/local/replicas/memory-cgroup.ts";
import { GroupSampler } from "../../../../src/environments/local/replicas/process-memory.ts";

async function folderWith(files: Readonly<Record<string, string>>): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "cortex-test-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(path, name, ".."), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A line of /proc/PID/stat with what is looked at. */
function processLine(pid: number, parent: number, group: number, pages: number): string {
  const rest = Array.from({ length: 18 }, () => "0").join(" ");
  return `${pid} (a) b (c) S ${parent} ${group} ${rest} ${pages} 0`;
}

describe("measuring process groups", () => {
  test("sums the group and those that left it, and nobody else", async () => {
    await using proc = await folderWith({
      "100/stat": processLine(100, 1, 100, 10),
      "101/stat": processLine(101, 100, 100, 5),
      "102/stat": processLine(102, 101, 102, 3),
      "200/stat": processLine(200, 1, 200, 99),
      version: "not a process",
    });
    const sampler = new GroupSampler(proc.path, 1_000);
    const leaders = new Set([100]);
    expect(sampler.sample(leaders)).toEqual(new Map([[100, { bytes: 18_000, pids: [100, 101, 102] }]]));
    await writeFile(join(proc.path, "102/stat"), processLine(102, 1, 102, 4));
    await rm(join(proc.path, "101"), { recursive: true });
    expect(sampler.sample(leaders).get(100)).toEqual({ bytes: 14_000, pids: [100, 102] });
  });

  test("counts shared memory once when it has to be exact", async () => {
    await using proc = await folderWith({
      "100/smaps_rollup": "Rss: 900 kB\nPss: 600 kB\n",
      "101/stat": processLine(101, 100, 100, 5),
    });
    expect(await new GroupSampler(proc.path, 1_000).exactBytes([100, 101])).toBe(600 * 1024 + 5_000);
  });

  test("is empty where there is no /proc", () => {
    expect(new GroupSampler("/nowhere", 4096).sample(new Set([1])).size).toBe(0);
  });
});

describe("a control group", () => {
  test("is made in the nearest one that hands memory down", async () => {
    await using cgroups = await folderWith({
      self: "0::/user/app/shell\n",
      "fs/user/cgroup.subtree_control": "cpu memory\n",
      "fs/user/cgroup.procs": "",
      "fs/user/app/cgroup.subtree_control": "cpu memory pids\n",
      "fs/user/app/cgroup.procs": "",
      "fs/user/app/shell/cgroup.subtree_control": "\n",
    });
    const mount = join(cgroups.path, "fs");
    expect(await findCgroupParent(mount, join(cgroups.path, "self"))).toBe(join(mount, "user/app"));
  });

  test("is not looked for where there is only version 1", async () => {
    await using cgroups = await folderWith({ self: "8:pids:/\n4:memory:/process\n" });
    expect(await findCgroupParent(cgroups.path, join(cgroups.path, "self"))).toBeUndefined();
  });

  test("gets the limit and the process, and tells what happened", async () => {
    await using parent = await folderWith({ "cgroup.procs": "" });
    const cgroup = (await createMemoryCgroup(parent.path, "r1", 1_024))!;
    await cgroup.add(42);
    const folder = join(parent.path, "cortex-r1");
    expect(await readFile(join(folder, "memory.max"), "utf8")).toBe("1024");
    expect(await readFile(join(folder, "cgroup.procs"), "utf8")).toBe("42");
    expect(await cgroup.hitLimit()).toBe(false);
    await writeFile(join(folder, "memory.events"), "low 0\noom 1\noom_kill 1\n");
    await writeFile(join(folder, "memory.peak"), "2048\n");
    expect(await cgroup.hitLimit()).toBe(true);
    expect(await cgroup.peakBytes()).toBe(2_048);
    await cgroup.remove();
  });

  test("that cannot be made is done without", async () => {
    await using parent = await folderWith({ "cortex-r1": "in the way" });
    await chmod(parent.path, 0o700);
    expect(await createMemoryCgroup(parent.path, "r1", 1_024)).toBeUndefined();
  });
});
