import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { CortexError } from "../../../core/errors.ts";
import { untilAborted } from "../../../core/streams.ts";
import { agentAddress } from "../../../platform/home.ts";
import { killGroup } from "../../../platform/processes.ts";
import { openAgentLog } from "../agent-log.ts";
import { gatewayPort } from "../gateway-port.ts";
import type { Installation } from "../installation.ts";
import { localFolders } from "../local-folders.ts";
import { AgentProcess } from "./agent-process.ts";
import { type Lock, takeLock } from "./lock.ts";
import type { AgentInfo } from "./protocol.ts";

/**
 * How an agent gives way to a newer one without losing a request. The old agent starts the new one as its child and they
 * talk over the IPC channel, which is also the one way by which Node passes listening sockets on:
 *
 *   old: freezes its state, frees the lock        -> take
 *   new: takes the lock, brings every API back    -> restored
 *   old: passes the gateway's listening sockets   -> gateway
 *   new: accepts requests, answers the CLI        -> serving
 *   old: accepts no more, ends what is in-flight, stops its replicas, ends
 *
 * Until `serving` the old agent serves; if the new one fails before, it takes the lock back and goes on.
 */
export const successorFlag = "--successor";

type ToSuccessor = { readonly step: "take" } | { readonly step: "gateway"; readonly remaining: number };
type FromSuccessor =
  | { readonly step: "restored" }
  | { readonly step: "serving"; readonly info: AgentInfo }
  | { readonly step: "failed"; readonly message: string };

const takeOverMs = 120_000;
const drainMs = 10 * 60_000;

/** The old agent's part. @throws AGENT_FAILED when the new one could not take over; this one then goes on */
export async function handOver(self: AgentProcess, program: readonly string[]): Promise<AgentInfo> {
  const [file, ...args] = program;
  const log = await openAgentLog(self.home);
  const child = spawn(file!, [...args, "__agent", successorFlag], {
    detached: true,
    stdio: ["ignore", "ignore", log.fd, "ipc"],
    cwd: self.home,
    env: { ...process.env, CORTEX_HOME: self.home },
  });
  await log.close();
  const thaw = await self.agent.freeze(
    new CortexError("CONFLICT", "the agent is being replaced by a newer one", { hint: "run the same command again" }),
  );
  const takeLockBack = self.releaseLock();
  try {
    const signal = AbortSignal.timeout(takeOverMs);
    tell(child, { step: "take" });
    await heard(child, "restored", signal);
    const servers = self.gateway.listeners();
    for (const [index, server] of servers.entries())
      tell(child, { step: "gateway", remaining: servers.length - index }, server);
    tell(child, { step: "gateway", remaining: 0 });
    const { info } = await heard(child, "serving", signal);
    child.disconnect();
    child.unref();
    // The answer goes out before the socket it goes through is closed.
    setImmediate(() => void self.end(drainMs));
    return info;
  } catch (error) {
    if (child.pid !== undefined) killGroup(child.pid, "SIGKILL");
    takeLockBack(await takeLockAgain(self.home));
    thaw();
    throw new CortexError("AGENT_FAILED", "a newer agent could not take over; the older one goes on", {
      hint: `see ${localFolders(self.home).agentLog}`,
      cause: error,
    });
  }
}

/** The new agent's part. */
export async function takeOver(home: string, installation: Installation): Promise<void> {
  const signal = AbortSignal.timeout(takeOverMs);
  const leave = () => process.exit(1);
  process.once("disconnect", leave);
  try {
    await instruction("take", signal);
    const lock = takeLock(localFolders(home).lock);
    if (!lock) throw new Error("the lock is held by somebody else");
    const agent = await AgentProcess.load(home, installation, lock, await gatewayPort(home, {}));
    agent.restore();
    await agent.agent.restored(signal);
    const gateway = receiveServers(signal);
    process.send!({ step: "restored" } satisfies FromSuccessor);
    agent.adopt(await gateway);
    await agent.listen(agentAddress(home));
    process.off("disconnect", leave);
    process.send!({ step: "serving", info: agent.info() } satisfies FromSuccessor);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}

function tell(child: ChildProcess, message: ToSuccessor, server?: Server): void {
  child.send(message, server);
}

async function heard<Step extends FromSuccessor["step"]>(
  child: ChildProcess,
  step: Step,
  signal: AbortSignal,
): Promise<Extract<FromSuccessor, { step: Step }>> {
  const message = once(child, "message", { signal });
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`the newer agent ended with status ${code}`);
  });
  message.catch(() => {});
  ended.catch(() => {});
  const [said] = (await Promise.race([message, ended])) as [FromSuccessor];
  if (said.step !== step) throw new Error(`expected ${step}, heard ${said.step}`);
  return said as Extract<FromSuccessor, { step: Step }>;
}

async function instruction(step: ToSuccessor["step"], signal: AbortSignal): Promise<void> {
  const [message] = (await once(process, "message", { signal })) as [ToSuccessor];
  if (message.step !== step) throw new Error(`expected ${step}, heard ${message.step}`);
}

async function receiveServers(signal: AbortSignal): Promise<readonly Server[]> {
  const servers: Server[] = [];
  const all = Promise.withResolvers<void>();
  const receive = (message: ToSuccessor, server: Server | undefined) => {
    if (message.step !== "gateway") return;
    if (server) servers.push(server);
    if (message.remaining === 0) all.resolve();
  };
  process.on("message", receive as (message: unknown, handle: unknown) => void);
  try {
    await untilAborted(all.promise, signal);
    return servers;
  } finally {
    process.off("message", receive as (message: unknown, handle: unknown) => void);
  }
}

async function takeLockAgain(home: string): Promise<Lock> {
  for (;;) {
    const lock = takeLock(localFolders(home).lock);
    if (lock) return lock;
    await delay(20);
  }
}
