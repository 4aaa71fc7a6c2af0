import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { agentClient } from "../../src/environments/local/agent-client.ts";
import { agentAddress } from "../../src/platform/home.ts";
import { projectNode } from "../toolchain.mjs";
import { nodeFlags } from "./launchers.ts";
import { startStandInAws } from "./stand-in-aws.ts";
import { startStandInCluster } from "./stand-in-cluster.ts";

/**
 * What is run once so that the functions it needs are in the caches. It deploys a real API, so that the agent's are too;
 * that is the last command's to take down again, and none of it leaves anything behind.
 */
const commands = [
  ["--version"],
  ["--help"],
  ["deploy", "--dry-run", "-o", "json"],
  ["deploy"],
  ["deploy"],
  ["get"],
  ["get", "-o", "json"],
  ["get", "warm"],
  ["describe", "warm"],
  ["predict", "warm", "-d", "{}"],
  ["logs", "warm"],
  ["env", "list"],
  ["explain", "handler"],
  ["completion", "bash"],
  ["cluster", "list", "-r", "us-east-1"],
  ["cluster", "up", "-y"],
  ["env", "configure", "warm", "--namespace", "default"],
  ["deploy", "pods", "-e", "warm"],
  ["deploy", "pods", "-e", "warm"],
  ["get", "-e", "warm"],
  ["get", "-e", "warm", "-o", "json"],
  ["get", "warm", "-e", "warm"],
  ["describe", "warm", "-e", "warm"],
  ["history", "warm", "-e", "warm"],
  ["delete", "warm", "-e", "warm", "-f"],
  ["cluster", "info", "-n", "warm", "-r", "us-east-1"],
  ["delete", "warm", "-f"],
] as const;

const configuration = `- name: warm
  kind: RealtimeAPI
  handler:
    path: handler.py
`;

/** What a cluster runs without an image of its own. */
const pods = `- name: warm
  kind: RealtimeAPI
  pod: {port: 8000, containers: [{name: server, image: "warm:1", compute: {cpu: 20m}}]}
`;

const cluster = `cluster_name: warm
region: us-east-1
node_groups: [{name: cpu, instance_type: m5.large}]
`;

const handler = `class Handler:
    def __init__(self, config):
        pass

    def handle_post(self, payload):
        return payload
`;

const limitMs = 20_000;

/**
 * Without the first V8 hashes strings by a seed of chance. The others keep it from collecting garbage, after which parts of what it
 * writes are what lay in that memory before. Then two fills are alike, and a program that runs without these takes them.
 */
const sameEachTime = [
  "--random-seed=1",
  "--min-semi-space-size=128",
  "--max-semi-space-size=128",
  "--no-memory-reducer",
];

/** Nothing else of the builder's settings may lead a command elsewhere than to the stand-ins, or change what is in the caches. */
const passedOn = [
  "PATH",
  "HOME",
  "TMPDIR",
  "TEMP",
  "TMP",
  "SystemRoot",
  "USERPROFILE",
  "LOCALAPPDATA",
  "CORTEX_PYTHON",
];

/**
 * Fills the code caches beside `main` by running its commands in a home and a project of their own, on the Node that they shall be
 * for. Whoever ends it with Ctrl-C or SIGTERM ends the agent of that home, too.
 */
export async function fillCodeCaches(main: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-build-"));
  const home = join(folder, ".home");
  let ended: NodeJS.Signals | undefined;
  const end = (signal: NodeJS.Signals) => {
    ended = signal;
  };
  process.once("SIGINT", end).once("SIGTERM", end);
  let agent: number | undefined;
  try {
    await writeFile(join(folder, "cortex.yaml"), configuration);
    await writeFile(join(folder, "handler.py"), handler);
    await writeFile(join(folder, "cluster.yaml"), cluster);
    await mkdir(join(folder, "pods"));
    await writeFile(join(folder, "pods", "cortex.yaml"), pods);
    await using kubernetes = await startStandInCluster();
    await writeFile(join(folder, "kubeconfig"), kubernetes.kubeconfig);
    await using aws = await startStandInAws();
    const env = {
      ...Object.fromEntries(passedOn.map((name) => [name, process.env[name]])),
      CORTEX_HOME: home,
      CORTEX_LOCAL_PORT: String(await freePort()),
      CORTEX_FILL_CODE_CACHES: "1",
      KUBECONFIG: join(folder, "kubeconfig"),
      ...aws.variables,
    };
    for (const command of commands) {
      if (ended) break;
      const variables = isForAnyone(command) ? { ...env, AWS_ACCESS_KEY_ID: "" } : env;
      await runOnce([projectNode(), ...nodeFlags, ...sameEachTime, main, ...command], folder, variables);
      agent ??= await agentOf(home);
    }
    // It leaves a moment after its last API, and fills the caches of what it ran as it goes.
    if (agent && !ended) await isGone(agent);
  } finally {
    agent ??= await agentOf(home);
    if (agent && !(await isGone(agent, 0))) process.kill(agent, "SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    process.off("SIGINT", end).off("SIGTERM", end);
  }
  if (ended) process.kill(process.pid, ended);
}

/** What takes minutes anyhow ends without credentials: caches of all that it calls would make the program a megabyte larger. */
function isForAnyone([group, name]: readonly string[]): boolean {
  return group === "cluster" && name !== "info";
}

/** @returns the process id of the agent that runs for `home`; undefined where there is none */
async function agentOf(home: string): Promise<number | undefined> {
  const client = agentClient(agentAddress(home));
  const asked = client.json<{ pid: number }>("GET", "/agent", AbortSignal.timeout(limitMs));
  return asked.then(
    ({ pid }) => pid,
    () => undefined,
  );
}

/** Waits until a process has ended. @returns whether it has, within `longestMs` */
async function isGone(pid: number, longestMs = limitMs): Promise<boolean> {
  for (const deadline = Date.now() + longestMs; ; await delay(20)) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    if (Date.now() >= deadline) return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A command that fails has still compiled what it ran; that it works is for the tests to say. */
function runOnce(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number | null> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { cwd, env, stdio: "ignore", timeout: limitMs });
    child.on("error", reject);
    child.on("close", resolve);
  });
}
