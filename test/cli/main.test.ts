import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = resolve(import.meta.dirname, "../../src/main.ts");

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "cortex-main-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** Starts the real program in a home of its own. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = home) {
  const variables = { PATH: process.env.PATH ?? "", CORTEX_HOME: home, ...env };
  const child = spawn(process.execPath, [main, ...args], { cwd, env: variables, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  const ended = once(child, "close").then(([status]) => ({ status: status as number | null, ...output }));
  return { child, output, ended };
}

describe("the program", () => {
  test("prints its version", async () => {
    expect(await start(["--version"]).ended).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^cortex \d+\.\d+\.\d+\n$/),
      stderr: "",
    });
  });

  test("answers --version, --help and completion without commander, yaml, zod or chalk", async () => {
    for (const args of [["--version"], ["--help"], ["completion", "bash"], ["help", "variables"]]) {
      const ran = await start(args, { NODE_OPTIONS: "", NODE_DEBUG: "esm" }).ended;
      expect(ran.status).toBe(0);
      expect(ran.stderr).not.toMatch(/node_modules\/(commander|yaml|zod|chalk)\//);
    }
  });

  test.for([[["get"]], [["get", "-o", "json"]], [["env", "list"]]] as const)(
    "loads neither yaml, zod nor chalk for %j",
    async ([args]) => {
      const ran = await start(args, { NODE_DEBUG: "esm" }).ended;
      expect(ran.status).toBe(0);
      expect(ran.stderr).toContain("node_modules/commander/");
      expect(ran.stderr).not.toMatch(/node_modules\/(yaml|zod|chalk)\//);
    },
  );

  test
    .runIf(process.platform === "linux")
    .for([[["--version"]], [["env", "list"]], [["env", "list", "-o", "json"]]] as const)(
    "says so when the disk that the output of %j goes to is full, and does not end well",
    async ([args]) => {
      await using full = await open("/dev/full", "w");
      const env = { PATH: process.env.PATH ?? "", CORTEX_HOME: home };
      const child = spawn(process.execPath, [main, ...args], { env, stdio: ["ignore", full.fd, "pipe"] });
      const told = await text(child.stderr!);
      expect(child.exitCode ?? (await once(child, "close"))[0]).toBe(1);
      expect(told).toMatch(/^error: the output could not be written: ENOSPC: no space left on device/);
      expect(told.trim().split("\n")).toHaveLength(1);
    },
  );

  test("ends with the status of an error, and prints it on stderr", async () => {
    const ran = await start(["get", "nobody"]).ended;
    expect(ran).toMatchObject({ status: 4, stdout: "" });
    expect(ran.stderr).toMatch(/^error: nobody is not deployed in the environment local\n/);
  });

  test("obeys CORTEX_ENV, which -e overrides", async () => {
    expect(await start(["get"], { CORTEX_ENV: "nowhere" }).ended).toMatchObject({ status: 4 });
    expect(await start(["get", "-e", "local"], { CORTEX_ENV: "nowhere" }).ended).toMatchObject({ status: 0 });
  });

  test("is quiet when nobody reads what it prints", async () => {
    const { child, ended } = start(["explain"]);
    child.stdout.destroy();
    const ran = await ended;
    expect(ran.stderr).toBe("");
    expect(ran.status).toBe(0);
  });

  test.for(["SIGINT", "SIGTERM"] as const)("ends with 130 on %s and says what it leaves", async (signal) => {
    const { child, output, ended } = start(["get", "-w", "-o", "json"]);
    while (output.stdout === "") await once(child.stdout, "data");
    child.kill(signal);
    const ran = await ended;
    expect(ran.status).toBe(130);
    expect(ran.stderr).toContain("error: interrupted; nothing was changed");
  });

  test("shows a wrong configuration with its line", async () => {
    await writeFile(join(home, "cortex.yaml"), "- name: iris\n  kind: RealtimeAPI\n  handlr: {}\n");
    const ran = await start(["deploy"]).ended;
    expect(ran.status).toBe(2);
    expect(ran.stderr).toMatch(/error: cortex\.yaml:3:3: .*handlr/);
    expect(ran.stderr).toContain("  3 |   handlr: {}\n    |   ^");
  });

  test("says so when the folder that it is called in is gone", async () => {
    const gone = await mkdtemp(join(tmpdir(), "cortex-gone-"));
    const script = `process.chdir(${JSON.stringify(gone)}); require("node:fs").rmdirSync(${JSON.stringify(gone)});
      require("node:child_process").spawnSync(process.execPath, [${JSON.stringify(main)}, "deploy"], { stdio: "inherit" });`;
    const child = spawn(process.execPath, ["-e", script], {
      env: { CORTEX_HOME: home },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    await once(child, "close");
    expect(stderr).toContain("the current folder is gone");
  });

  test("checks a real machine", async () => {
    const ran = await start(["doctor", "-o", "json"]).ended;
    const checks = JSON.parse(ran.stdout) as { name: string; status: string; fix?: string }[];
    expect(checks.map(({ name }) => name)).toEqual(["python", "uv", "port", "disk", "home", "agent"]);
    for (const { status, fix } of checks) expect(status === "ok" || fix !== undefined).toBe(true);
  });
});
