import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../../support/cortex.ts";
import { type Server, startServer } from "../harness/server.ts";
import { flower } from "./iris.ts";

/**
 * Starts what a running replica runs once more, on a port of its own instead of a socket: the same program, packages, files
 * and variables, and no gateway before it.
 * @param pid of the running replica
 * @param folder for its settings and its log
 */
export async function startDirectReplica(pid: number, folder: string, signal: AbortSignal): Promise<Server> {
  const [python, launch, settingsFile] = await nullSeparated(`/proc/${pid}/cmdline`);
  const settings = JSON.parse(await readFile(settingsFile!, "utf8")) as { readonly project_dir: string };
  const port = await freePort();
  const own = join(folder, "replica.json");
  await writeFile(own, JSON.stringify({ ...settings, listen: [{ port }], control_fd: null }));
  const variables = (await nullSeparated(`/proc/${pid}/environ`)).map((line) => line.split(/=(.*)/s).slice(0, 2));
  return startServer(
    {
      argv: [python!, launch!, own],
      env: Object.fromEntries(variables) as Record<string, string>,
      cwd: settings.project_dir,
      url: `http://127.0.0.1:${port}/`,
      body: flower,
      readyWithinMs: 30_000,
      logFile: join(folder, "replica.log"),
    },
    signal,
  );
}

async function nullSeparated(file: string): Promise<string[]> {
  return (await readFile(file, "utf8")).split("\0").filter((part) => part !== "");
}
