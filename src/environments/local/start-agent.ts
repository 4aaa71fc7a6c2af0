import { spawn } from "node:child_process";
import { once } from "node:events";
import { CortexError, errorFromJson } from "../../core/errors.ts";
import { makePrivateFolder } from "../../platform/files.ts";
import type { StartReport } from "./agent/agent-main.ts";
import { openAgentLog } from "./agent-log.ts";
import type { Installation } from "./installation.ts";
import { localFolders } from "./local-folders.ts";

/**
 * Starts the agent of `home` unless one runs, and waits until it answers. Safe when several do it at once: one becomes the
 * agent, the others see it.
 * @returns false when there is one that does not answer yet, or not any more
 * @throws PORT_TAKEN, NOT_WRITABLE, DISK_FULL, AGENT_FAILED
 */
export async function startAgent(home: string, { program }: Installation, signal: AbortSignal): Promise<boolean> {
  await makePrivateFolder(localFolders(home).root);
  const log = await openAgentLog(home);
  const [file, ...args] = program;
  const child = spawn(file!, [...args, "__agent"], {
    detached: true,
    stdio: ["ignore", "pipe", log.fd],
    cwd: home,
    env: { ...process.env, CORTEX_HOME: home },
    windowsHide: true,
  });
  child.once("error", () => {});
  await log.close();
  const report = await firstLine(child.stdout!, signal);
  child.stdout!.destroy();
  child.unref();
  if (!report) {
    throw new CortexError("AGENT_FAILED", "the agent ended before it could answer", {
      hint: `see ${localFolders(home).agentLog}`,
    });
  }
  const said = JSON.parse(report) as StartReport;
  if ("error" in said) throw errorFromJson(said.error);
  return "started" in said;
}

async function firstLine(stream: NodeJS.ReadableStream, signal: AbortSignal): Promise<string | undefined> {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    if (text.includes("\n")) stream.emit("line");
  });
  await Promise.race([once(stream, "line", { signal }), once(stream, "close", { signal })]);
  return text.split("\n")[0] || undefined;
}
