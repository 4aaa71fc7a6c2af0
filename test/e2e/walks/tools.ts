import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { writeKubeconfig } from "../../support/cluster.ts";
import { releaseServer, standIn } from "../../support/release-server.ts";
import { startWalk, type Walker } from "../support/walker.ts";

const shells = ["bash", "zsh", "fish", "powershell"];
const unreachable = 1;

/** @returns every command of the program, as it lists them itself: `deploy`, `env list` */
export async function commandsOf({ bench }: Walker): Promise<readonly string[]> {
  const listed = async (...words: readonly string[]) => {
    const { stdout } = await bench.cortex(["__complete", ...words, ""]);
    return stdout.split("\n").flatMap((line) => line.split("\t")[0] || []);
  };
  const names = await listed();
  const whole = names.map(async (name) => {
    if (name !== "env" && name !== "cluster") return [name];
    return (await listed(name)).map((child) => `${name} ${child}`);
  });
  return (await Promise.all(whole)).flat();
}

/** What says what this program is, and what it can do. */
export async function walkThroughHelp(walker: Walker): Promise<void> {
  const { run, bench } = walker;
  const { version } = (await run(["version", "-o", "json"])).json<{ version: string }>();
  expect((await run(["--version"])).stdout).toBe(`cortex ${version}\n`);
  expect((await run(["version"])).stdout).toContain(`cortex ${version}`);
  const whole = (await run(["--help"])).stdout;
  expect((await run([])).stdout).toBe(whole);
  for (const command of await commandsOf(walker)) {
    // Not by `run`: who only asks for help has not walked.
    const helped = await bench.cortex([...command.split(" "), "--help"]);
    expect(helped, command).toMatchObject({ status: 0, stderr: "" });
    expect(helped.stdout).toContain(`Usage: cortex ${command} `);
    if (!command.includes(" ")) expect(whole).toContain(`  ${command} `);
  }
  for (const topic of ["exit-codes", "variables", "deploy", "env"]) await run(["help", topic]);
  expect((await run(["explain"])).stdout).toContain("handler");
  expect((await run(["explain", "predictor.path", "-o", "json"])).stdout).toContain("handler");
  await run(["explain", "nothing"], 2);
  for (const shell of shells) {
    const { stdout } = await run(["completion", shell]);
    expect(stdout).toContain("__complete");
    if (shell === "powershell" || spawnSync(shell, ["--version"]).status !== 0) continue;
    const folder = await bench.project({ script: stdout });
    // Each of them reads it without running it.
    execFileSync(shell, ["-n", join(folder, "script")]);
  }
  // No release can be had there.
  const nowhere = { env: { CORTEX_RELEASES_URL: "http://127.0.0.1:1" } };
  expect((await run(["upgrade", "--check"], 1, nowhere)).stderr).toContain("nothing was changed");
  const checks = (await run(["doctor", "-o", "json"])).stdout;
  expect(checks).toContain("python");
}

/** What `upgrade` says without replacing the program that is walked through. */
export async function walkThroughUpgrades({ run, program }: Walker): Promise<void> {
  const { version } = (await run(["version", "-o", "json"])).json<{ version: string }>();
  await using releases = await releaseServer();
  await releases.add("99.0.0", standIn("99.0.0"), program.target);
  const env = { CORTEX_RELEASES_URL: releases.url };
  expect((await run(["upgrade", "--check"], 0, { env })).stdout).toContain("cortex 99.0.0 can be installed");
  expect((await run(["upgrade", "--check", "-o", "json"], 0, { env })).json()).toMatchObject({
    version,
    newest: "99.0.0",
  });
  await run(["upgrade", "newest"], 2, { env });
  // A clone is upgraded by other means.
  const isBuilt = !program.file.includes("package");
  expect((await run(["upgrade", version], isBuilt ? 2 : 0, { env })).stdout).toBe(
    isBuilt ? "" : `this is cortex ${version}\n`,
  );
  const nobody = { CORTEX_RELEASES_URL: "http://127.0.0.1:1" };
  expect((await run(["upgrade", "--check"], 1, { env: nobody })).stderr).toContain(
    "cannot download http://127.0.0.1:1",
  );
}

/** Environments, none of which answers. */
export async function walkThroughEnvironments({ run, bench }: Walker): Promise<void> {
  const folder = await bench.project({ "kubeconfig.folder": "" });
  const kubeconfig = join(folder, "kubeconfig");
  // Nothing listens there.
  await writeKubeconfig(kubeconfig, { server: "https://127.0.0.1:1", user: { token: "none" } });
  const configured = await run(["env", "configure", "far", "--kubeconfig", kubeconfig, "--namespace", "models"]);
  expect(configured.stderr).toMatch(/127\.0\.0\.1:1|no answer within 2 s/);
  await run(["env", "default", "far"]);
  expect((await run(["env", "default"])).stdout).toBe("far\n");
  await run(["env", "rename", "far", "away"]);
  expect((await run(["env", "list"])).stdout).toMatch(/^away\tkubernetes\tyes\t/m);
  const { environments } = (await run(["env", "list", "-o", "json"])).json<{ environments: readonly unknown[] }>();
  expect(environments).toMatchObject([{ name: "local" }, { name: "away", namespace: "models" }]);
  await run(["get"], unreachable);
  await run(["doctor", "-e", "away"], unreachable);
  await run(["cluster", "health"], unreachable);
  await run(["cluster", "install", "-y"], unreachable);
  await run(["cluster", "uninstall", "-y"], unreachable);
  expect((await run(["cluster", "install", "--print-rbac"])).stdout).toContain("kind: ClusterRole");
  expect((await run(["get"], 0, { env: { CORTEX_ENV: "local" } })).stderr).toContain("no apis");
  await run(["env", "delete", "away"]);
  expect((await run(["env", "default"])).stdout).toBe("local\n");
  await run(["env", "delete", "away"], 4);
}

/** Through a link of another name, in a folder with spaces and letters of elsewhere, with variables that are meant for others. */
export async function walkElsewhere({ bench, program }: Walker): Promise<void> {
  const file = join(bench.home, "..", "a folder \u00e9\u4e16 'quoted'", "other name");
  await mkdir(dirname(file), { recursive: true });
  await symlink(program.file, file);
  await writeFile(join(dirname(file), "package.json"), "{ not JSON");
  const env = { NODE_OPTIONS: "--no-such-option", NODE_PATH: "/nowhere", NODE_PENDING_DEPRECATION: "1" };
  await using walker = await startWalk({ ...program, file }, new Set(), env);
  const cwd = dirname(file);
  for (const args of [["--version"], ["get"], ["env", "list"], ["explain", "handler"]]) {
    const { stderr } = await walker.run(args, 0, { cwd });
    expect(stderr.replace("no apis are deployed\n", "")).toBe("");
  }
}
