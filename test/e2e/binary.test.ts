import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readdir, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { xzFlags } from "../../scripts/release/archives.ts";
import { projectRoot } from "../../scripts/toolchain.mjs";
import { type Bench, createBench, eventually } from "../support/cortex.ts";
import { packagedFor } from "./support/program.ts";

const platform = process.platform === "win32" ? "win" : process.platform;
const binary = process.env.CORTEX_TEST_BINARY || packagedFor(`${platform}-${process.arch}`);
const missing = existsSync(binary) ? undefined : "there is none: npm run package";

/** So that it is quick to fetch. */
const mostBytes = 125_000_000;
const mostCompressedBytes = 35_000_000;
/** To compress it takes a minute of a processor. */
const compresses = Boolean(process.env.CI) && spawnSync("xz", ["--version"]).status === 0;

const handler = `import os
class Handler:
    def __init__(self, config):
        pass
    def handle_get(self):
        names = ["NODE_OPTIONS", "NODE_ENV", "NODE_CHANNEL_FD"]
        return {name: os.environ.get(name) for name in names}
`;
const files = {
  "cortex.yaml": "- name: shown\n  kind: RealtimeAPI\n  handler: {path: handler.py}\n",
  "handler.py": handler,
};

/** Variables of a user that are meant for other programs; the first would end Node at once, others have it write or connect. */
const foreign = {
  NODE_OPTIONS: "--no-such-option --require /nowhere.js",
  NODE_PATH: "/nowhere",
  NODE_ENV: "mine",
  NODE_PENDING_DEPRECATION: "1",
  NODE_USE_ENV_PROXY: "1",
  HTTP_PROXY: "proxy.example:3128",
};

describe.skipIf(missing)(`the binary${missing ? `: ${missing}` : ""}`, { timeout: 120_000 }, () => {
  test("deploys, serves and ends on a machine that has Python alone, from a folder that is read-only", async () => {
    await using bench = await createBench({}, [binary]);
    const place = join(bench.home, "..", "a place \u00e9\u4e16 'quoted' $HOME");
    const program = join(place, "serve models");
    await mkdir(place);
    await copyFile(binary, program);
    await chmod(program, 0o555);
    await chmod(place, 0o555);
    const link = join(bench.home, "..", "other name");
    await symlink(program, link);
    await using elsewhere = await createBench({ ...foreign, PATH: await pythonAlone(bench) }, [link]);

    const cwd = await elsewhere.project(files);
    const deployed = await elsewhere.cortex(["deploy"], { cwd });
    expect(deployed.status, deployed.stderr).toBe(0);
    expect(await (await elsewhere.request("/shown")).json()).toEqual({
      NODE_OPTIONS: foreign.NODE_OPTIONS,
      NODE_ENV: "mine",
      NODE_CHANNEL_FD: null,
    });
    if (process.platform === "linux") {
      expect(await readlink(`/proc/${await elsewhere.agentPid()}/exe`)).toBe(program);
    }
    expect((await elsewhere.cortex(["get"], { cwd })).stdout).toContain("shown");
    expect((await elsewhere.cortex(["delete", "shown", "-f"], { cwd })).status).toBe(0);
    await eventually(async () => ((await elsewhere.agentPid()) === undefined ? true : undefined));
    expect(await readdir(place)).toEqual(["serve models"]);
    await chmod(place, 0o755);
  });

  test.runIf(process.platform !== "win32")("writes nothing that a user asked of other programs on Node", async () => {
    await using bench = await createBench(foreign, [binary]);
    const written = join(bench.home, "..", "written");
    const asked = {
      NODE_DEBUG: "net,http,fs",
      NODE_V8_COVERAGE: written,
      CORTEX_FILL_CODE_CACHES: "1",
    };
    const beside = await readdir(dirname(binary));
    for (const args of [["--version"], ["get", "-o", "json"], ["predict", "nobody", "{}"]]) {
      const plain = await bench.cortex(args);
      expect(await bench.cortex(args, { env: asked })).toMatchObject({ status: plain.status, stderr: plain.stderr });
    }
    expect(existsSync(written)).toBe(false);
    expect(await readdir(dirname(binary))).toEqual(beside);
  });

  test("unpacks what it brings along when an API needs it, whole, for this user, by two deploys at once", async () => {
    await using bench = await createBench({}, [binary]);
    const { build } = (await bench.cortex(["version", "-o", "json"])).json<{ build: string }>();
    expect((await bench.cortex(["get"])).status).toBe(0);
    expect((await bench.cortex(["completion", "bash"])).stdout).toContain("__complete");
    expect(existsSync(join(bench.home, "programs"))).toBe(false);
    const projects = await Promise.all(
      ["one", "two"].map((name) =>
        bench.project({ ...files, "cortex.yaml": files["cortex.yaml"].replace("shown", name) }),
      ),
    );
    const ran = await Promise.all(projects.map((cwd) => bench.cortex(["deploy"], { cwd })));
    expect(ran.map(({ status, stderr }) => (status === 0 ? "" : stderr))).toEqual(["", ""]);
    const folder = join(bench.home, "programs", build);
    expect((await readdir(folder)).sort()).toEqual([".users", "runtime", "wheels"]);
    if (process.platform !== "win32") expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await readdir(join(bench.home, "programs"))).filter((name) => name.startsWith("partial"))).toEqual([]);
  });

  test("takes over from the agent of another build, and so does that from it", async () => {
    await using bench = await createBench({}, [binary]);
    const agents = new Set<number | undefined>([undefined]);
    const source = [process.execPath, join(projectRoot, "src/main.ts")];
    for (const [round, program] of [source, [binary], source].entries()) {
      const cwd = await bench.project({ ...files, "handler.py": `${handler}# ${round}\n` }, "project");
      const [file, ...args] = [...program, "deploy"];
      const { PATH = "", HOME = "" } = process.env;
      const env = { PATH, HOME, CORTEX_HOME: bench.home, CORTEX_LOCAL_PORT: String(bench.port) };
      await promisify(execFile)(file!, args, { cwd, env });
      expect((await bench.request("/shown", { headers: { connection: "close" } })).status).toBe(200);
      agents.add(await bench.agentPid());
      expect(agents.size).toBe(round + 2);
    }
  });

  test("says where it failed, in names of its source", async () => {
    await using bench = await createBench({ CORTEX_DEBUG: "1" }, [binary]);
    const ran = await bench.cortex(["get", "nobody"]);
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/^ +at .*\(?cortex\/[\w-]+\.js:\d+:\d+\)?$/m);
    expect(ran.stderr).not.toContain(projectRoot);
  });

  test("says in which folder it may not write", async () => {
    const home = "/proc/cortex";
    await using bench = await createBench({}, [binary]);
    const cwd = await bench.project(files);
    const ran = await bench.cortex(["deploy"], { cwd, env: { CORTEX_HOME: home } });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^error: .*\/proc\/cortex/m);
    expect(ran.stderr).toContain("CORTEX_HOME");
  });

  test.skipIf(process.platform === "darwin")("is small enough", async () => {
    expect((await stat(binary)).size).toBeLessThanOrEqual(mostBytes);
  });

  test.skipIf(process.platform !== "linux" || !compresses)(
    "is small enough when it is compressed (where CI is set, and there is xz)",
    { timeout: 600_000 },
    async () => {
      const xz = spawn("xz", [...xzFlags, binary], { stdio: ["ignore", "pipe", "inherit"] });
      const ended = once(xz, "close");
      let bytes = 0;
      for await (const chunk of xz.stdout) bytes += chunk.length;
      expect((await ended)[0]).toBe(0);
      expect(bytes).toBeLessThanOrEqual(mostCompressedBytes);
    },
  );
});

/** @returns a PATH on which there is Python and no other program */
async function pythonAlone(bench: Bench): Promise<string> {
  const folder = join(bench.home, "..", "bin");
  const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "python3"), `#!/bin/sh\nexec '${python}' "$@"\n`, { mode: 0o755 });
  return folder;
}
