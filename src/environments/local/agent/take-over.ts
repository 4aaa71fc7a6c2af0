import { once } from "node:events";
import type { Server } from "node:net";
import { untilAborted } from "../../../core/streams.ts";
import { agentAddress } from "../../../platform/home.ts";
import { takeLock } from "../../../platform/lock.ts";
import { gatewayPort } from "../gateway-port.ts";
import type { Installation } from "../installation.ts";
import { localFolders } from "../local-folders.ts";
import { AgentProcess } from "./agent-process.ts";
import { type FromSuccessor, type ToSuccessor, takeOverMs } from "./succession.ts";

/** The new agent's part of a succession. */
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
