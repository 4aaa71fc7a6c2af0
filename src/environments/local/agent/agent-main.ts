import { type CortexError, errorToJson } from "../../../core/errors.ts";
import { makePrivateFolder } from "../../../platform/files.ts";
import { agentAddress, cortexHome, socketFolder } from "../../../platform/home.ts";
import { takeLock } from "../../../platform/lock.ts";
import { gatewayPort } from "../gateway-port.ts";
import type { Installation } from "../installation.ts";
import { localFolders } from "../local-folders.ts";
import { AgentProcess } from "./agent-process.ts";
import { removeLeftovers } from "./leftovers.ts";
import { successorFlag } from "./succession.ts";
import { takeOver } from "./take-over.ts";

/** What a new agent says, in one line of JSON on its standard output, to the command that started it. */
export type StartReport =
  | { readonly started: true }
  /** Another one was there first. */
  | { readonly taken: true }
  | { readonly error: ReturnType<typeof errorToJson> };

/** The hidden command `cortex __agent`: runs until nothing is deployed, or until it is told to end. */
export async function runAgent(argv: readonly string[], installation: Installation): Promise<void> {
  const home = cortexHome(process.env);
  if (argv.includes(successorFlag)) return takeOver(home, installation);
  try {
    report((await startAlone(home, installation)) ? { started: true } : { taken: true });
  } catch (error) {
    report({ error: errorToJson(error as CortexError) });
    process.exitCode = 1;
  }
}

async function startAlone(home: string, installation: Installation): Promise<boolean> {
  const folders = localFolders(home);
  await makePrivateFolder(folders.root);
  if (process.platform !== "win32") await makePrivateFolder(socketFolder(home));
  const lock = takeLock(folders.lock);
  if (!lock) return false;
  await removeLeftovers(folders.replicas, socketFolder(home)).catch(() => {});
  const agent = await AgentProcess.load(home, installation, lock, await gatewayPort(home, process.env));
  try {
    await agent.openGateway();
    agent.restore();
    await agent.listen(agentAddress(home));
    return true;
  } catch (error) {
    await agent.discard();
    throw error;
  }
}

/** Standard output is a pipe to the command that started us; nobody reads it after this line. */
function report(line: StartReport): void {
  process.stdout.on("error", () => {});
  process.stdout.write(`${JSON.stringify(line)}\n`, () => process.stdout.destroy());
}
