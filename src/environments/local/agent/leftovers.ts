import { readdir, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { isAlive } from "../../../platform/processes.ts";
import type { Address } from "../replicas/addresses.ts";

/**
 * Removes the files and sockets of replicas and agents that were killed. Those that still answer stay: an agent that was
 * replaced ends what its replicas are in the middle of.
 * @param stateFolder holds a `<replica>.json` per replica; @param socketFolder a `<replica>.<n>.sock` per process of one
 */
export async function removeLeftovers(stateFolder: string, socketFolder: string): Promise<void> {
  const [states, sockets] = await Promise.all([namesIn(stateFolder), namesIn(socketFolder)]);
  const ids = new Set(
    [...states, ...sockets].flatMap((name) => /^([0-9a-f]+)(?:\.json|\.\d+\.sock)$/.exec(name)?.[1] ?? []),
  );
  await Promise.all(
    [...ids].map(async (id) => {
      const state = join(stateFolder, `${id}.json`);
      const own = sockets.filter((name) => name.startsWith(`${id}.`)).map((name) => join(socketFolder, name));
      const addresses = [...own.map((path) => ({ path })), ...(await portsIn(state))];
      const answering = await Promise.all(addresses.map(answers));
      if (answering.includes(true)) return;
      await Promise.all([state, ...own].map((path) => rm(path, { force: true })));
    }),
  );
  for (const name of sockets) {
    const pid = Number(/^agent\.sock\.(\d+)$/.exec(name)?.[1]);
    if (pid && !isAlive(pid)) await rm(join(socketFolder, name), { force: true });
  }
}

/** Where there are no unix sockets, the replica's file says by which ports it is reached. */
async function portsIn(stateFile: string): Promise<Address[]> {
  try {
    const { listen } = JSON.parse(await readFile(stateFile, "utf8")) as { listen: Address[] };
    return listen.filter((address) => "port" in address);
  } catch {
    return [];
  }
}

async function answers(address: Address): Promise<boolean> {
  const socket = connect("path" in address ? address : { ...address, host: "127.0.0.1" });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
