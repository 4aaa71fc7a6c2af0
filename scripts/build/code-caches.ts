import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
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
 * Fills the code caches beside `main` by running its commands in a home and a project of their own.
 * @param node what runs them: the Node whose caches they shall be, and what must stand before it
 */
export async function fillCodeCaches(main: string, node: readonly string[] = [projectNode()]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-build-"));
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
      CORTEX_HOME: join(folder, ".home"),
      CORTEX_LOCAL_PORT: String(await freePort()),
      CORTEX_FILL_CODE_CACHES: "1",
      KUBECONFIG: join(folder, "kubeconfig"),
      ...aws.variables,
    };
    const statuses: (number | null)[] = [];
    for (const command of commands) {
      const variables = isForAnyone(command) ? { ...env, AWS_ACCESS_KEY_ID: "" } : env;
      statuses.push(await runOnce([...node, ...nodeFlags, ...sameEachTime, main, ...command], folder, variables));
    }
    if (statuses.at(-1) === 0) await agentGone(dirname(main));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** What takes minutes anyhow ends without credentials: caches of all that it calls would make the program a megabyte larger. */
function isForAnyone([group, name]: readonly string[]): boolean {
  return group === "cluster" && name !== "info";
}

/** The agent leaves a moment after its last API, and fills the caches of what it ran as it goes. */
async function agentGone(chunks: string): Promise<void> {
  for (const deadline = Date.now() + limitMs; Date.now() < deadline; await delay(20)) {
    if ((await readdir(chunks)).some((name) => /^agent-main-.*\.cache$/.test(name))) return;
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
