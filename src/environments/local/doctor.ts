import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import type { Check } from "../../core/check.ts";
import { CortexError } from "../../core/errors.ts";
import { findOnPath, findPython } from "../../packages/find-python.ts";
import { agentAddress } from "../../platform/home.ts";
import type { AgentInfo } from "./agent/protocol.ts";
import { AgentAbsent, agentClient } from "./agent-client.ts";
import { gatewayPort } from "./gateway-port.ts";

type Variables = Readonly<Record<string, string | undefined>>;

export interface DoctorOptions {
  readonly home: string;
  readonly variables: Variables;
}

const gibibyte = 1024 ** 3;
const plentyBytes = 5 * gibibyte;
const tooLittleBytes = gibibyte / 4;
const agentPatienceMs = 2_000;

/** Looks at all that a deploy on this machine needs. Changes nothing, starts nothing, and fails only when the signal aborts. */
export async function checkMachine(options: DoctorOptions, signal: AbortSignal): Promise<readonly Check[]> {
  const agent = await askAgent(options.home, signal);
  return Promise.all([
    checkPython(options.variables, signal),
    checkUv(options.variables),
    checkPort(options, agent),
    checkDisk(options.home),
    checkHome(options.home),
    checkAgent(agent),
  ]);
}

async function checkPython(variables: Variables, signal: AbortSignal): Promise<Check> {
  const name = "python";
  try {
    const { path, version } = await findPython(variables, signal);
    return { name, status: "ok", message: `Python ${version} at ${path}` };
  } catch (error) {
    if (!(error instanceof CortexError)) throw error;
    const fix = error.hint ?? "install Python 3.9 or newer, and have it on the PATH as python3";
    return { name, status: "fail", message: error.message, fix };
  }
}

async function checkUv(variables: Variables): Promise<Check> {
  const name = "uv";
  const found = await findOnPath("uv", variables);
  if (found !== undefined) return { name, status: "ok", message: `installs packages, at ${found}` };
  return {
    name,
    status: "warn",
    message: "not on the PATH; packages are installed with pip, which takes longer",
    fix: "pip install uv",
  };
}

async function checkPort({ home, variables }: DoctorOptions, agent: AgentAnswer): Promise<Check> {
  const name = "port";
  try {
    const port = await gatewayPort(home, variables);
    if (agent !== "absent" && !(agent instanceof CortexError) && agent.port === port) {
      return { name, status: "ok", message: `${port} is where Cortex's gateway listens` };
    }
    const trouble = await whyNotListen(port);
    if (trouble === undefined) return { name, status: "ok", message: `${port} is free for the gateway` };
    return {
      name,
      status: "fail",
      message:
        trouble === "EADDRINUSE" ? `${port} is taken by another program` : `${port} cannot be opened: ${trouble}`,
      fix: `end that program, or choose another port: export CORTEX_LOCAL_PORT=${port + 1}`,
    };
  } catch (error) {
    if (!(error instanceof CortexError)) throw error;
    return { name, status: "fail", message: error.message, fix: error.hint ?? "unset CORTEX_LOCAL_PORT" };
  }
}

/** @returns the code of the error that listening on `port` gives */
function whyNotListen(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(undefined)));
  });
}

async function checkDisk(home: string): Promise<Check> {
  const name = "disk";
  const folder = await nearestExisting(home);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const message = `${(free / gibibyte).toFixed(1)} GiB free for ${home}`;
  if (free >= plentyBytes) return { name, status: "ok", message };
  const fix = "free some space, or set CORTEX_HOME to a folder on another disk";
  return { name, status: free < tooLittleBytes ? "fail" : "warn", message, fix };
}

async function checkHome(home: string): Promise<Check> {
  const name = "home";
  const folder = await nearestExisting(home);
  if (await isAllowed(folder, constants.W_OK | constants.X_OK)) {
    return { name, status: "ok", message: folder === home ? `${home} can be written` : `${home} can be made` };
  }
  return {
    name,
    status: "fail",
    message: `${folder} cannot be written`,
    fix: "set CORTEX_HOME to a folder that you may write",
  };
}

function checkAgent(agent: AgentAnswer): Check {
  const name = "agent";
  if (agent === "absent") {
    return { name, status: "ok", message: "not running; it starts with the first deploy" };
  }
  if (agent instanceof CortexError) {
    return {
      name,
      status: "fail",
      message: agent.message,
      fix: agent.hint ?? "end the agent; the next command starts it",
    };
  }
  return { name, status: "ok", message: `running, version ${agent.version}` };
}

type AgentAnswer = AgentInfo | "absent" | CortexError;

async function askAgent(home: string, signal: AbortSignal): Promise<AgentAnswer> {
  const patience = AbortSignal.timeout(agentPatienceMs);
  try {
    const client = agentClient(agentAddress(home));
    return await client.json<AgentInfo>("GET", "/agent", AbortSignal.any([signal, patience]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AgentAbsent) return "absent";
    if (error instanceof CortexError) return error;
    if (patience.aborted) return new CortexError("AGENT_FAILED", "the agent does not answer");
    throw error;
  }
}

/** @returns `path`, or the closest folder above it that is there */
async function nearestExisting(path: string): Promise<string> {
  if (await isAllowed(path, constants.F_OK)) return path;
  const above = dirname(path);
  return above === path ? path : nearestExisting(above);
}

async function isAllowed(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
