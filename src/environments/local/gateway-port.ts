import { readFile } from "node:fs/promises";
import { CortexError } from "../../core/errors.ts";
import { writeAtomically } from "../../platform/files.ts";
import { localFolders } from "./local-folders.ts";

type Variables = Readonly<Record<string, string | undefined>>;

const defaultPort = 8888;

/** @returns the port that CORTEX_LOCAL_PORT names, if it is set. @throws USAGE */
export function namedPort(variables: Variables): number | undefined {
  const text = variables.CORTEX_LOCAL_PORT;
  if (text === undefined || text === "") return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new CortexError("USAGE", `CORTEX_LOCAL_PORT is "${text}", which is no port`, {
    hint: "use a number from 1 to 65535",
  });
}

/** @returns CORTEX_LOCAL_PORT, else the port that this home used last, else 8888. @throws USAGE */
export async function gatewayPort(home: string, variables: Variables): Promise<number> {
  return namedPort(variables) ?? (await savedPort(home)) ?? defaultPort;
}

async function savedPort(home: string): Promise<number | undefined> {
  const saved = Number(await readFile(localFolders(home).port, "utf8").catch(() => ""));
  return Number.isInteger(saved) && saved > 0 && saved < 65_536 ? saved : undefined;
}

/** Writes nothing when it is saved already: APIs come back on a full disk as well. */
export async function saveGatewayPort(home: string, port: number): Promise<void> {
  if ((await savedPort(home)) === port) return;
  await writeAtomically(localFolders(home).port, `${port}\n`);
}
