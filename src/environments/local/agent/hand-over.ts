import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { CortexError } from "../../../core/errors.ts";
import { type Lock, takeLock } from "../../../platform/lock.ts";
import { killGroup } from "../../../platform/processes.ts";
import { openAgentLog } from "../agent-log.ts";
import { localFolders } from "../local-folders.ts";
import type { AgentProcess } from "./agent-process.ts";
import type { AgentInfo } from "./protocol.ts";
import { type FromSuccessor, successorFlag, type ToSuccessor, takeOverMs } from "./succession.ts";

const drainMs = 10 * 60_000;

/** The old agent's part of a succession. @throws AGENT_FAILED when the new one could not take over; this one then goes on */
export async function handOver(self: AgentProcess, program: readonly string[]): Promise<AgentInfo> {
  const [file, ...args] = program;
  const log = await openAgentLog(self.home);
  const child = spawn(file!, [...args, "__agent", successorFlag], {
    detached: true,
    stdio: ["ignore", "ignore", log.fd, "ipc"],
    cwd: self.home,
    env: { ...process.env, CORTEX_HOME: self.home },
  });
  const ended = untilEnd(child);
  await log.close();
  const thaw = await self.agent.freeze(
    new CortexError("AGENT_REPLACED", "the agent is being replaced by that of another build", {
      hint: "run the same command again",
    }),
  );
  const takeLockBack = self.releaseLock();
  try {
    const signal = AbortSignal.timeout(takeOverMs);
    tell(child, { step: "take" });
    await heard(child, "restored", ended, signal);
    const servers = self.gateway.listeners();
    for (const [index, server] of servers.entries())
      tell(child, { step: "gateway", remaining: servers.length - index }, server);
    tell(child, { step: "gateway", remaining: 0 });
    const { info } = await heard(child, "serving", ended, signal);
    child.disconnect();
    child.unref();
    // The answer goes out before the socket it goes through is closed.
    setImmediate(() => void self.end(drainMs));
    return info;
  } catch (error) {
    if (child.pid !== undefined) killGroup(child.pid, "SIGKILL");
    takeLockBack(await takeLockAgain(self.home));
    await self.listenAgain();
    thaw();
    throw new CortexError("AGENT_FAILED", "a newer agent could not take over; the older one goes on", {
      hint: `see ${localFolders(self.home).agentLog}`,
      cause: error,
    });
  }
}

function tell(child: ChildProcess, message: ToSuccessor, server?: Server): void {
  child.send(message, server);
}

/** @returns what rejects when `child` cannot be started or spoken to, or ends; nobody has to wait for it */
function untilEnd(child: ChildProcess): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  child.on("error", reject);
  child.once("exit", (code) => reject(new Error(`the newer agent ended with status ${code}`)));
  return promise;
}

async function heard<Step extends FromSuccessor["step"]>(
  child: ChildProcess,
  step: Step,
  ended: Promise<never>,
  signal: AbortSignal,
): Promise<Extract<FromSuccessor, { step: Step }>> {
  const message = once(child, "message", { signal });
  message.catch(() => {});
  const [said] = (await Promise.race([message, ended])) as [FromSuccessor];
  if (said.step !== step) throw new Error(`expected ${step}, heard ${said.step}`);
  return said as Extract<FromSuccessor, { step: Step }>;
}

async function takeLockAgain(home: string): Promise<Lock> {
  for (;;) {
    const lock = takeLock(localFolders(home).lock);
    if (lock) return lock;
    await delay(20);
  }
}
