import { createHash } from "node:crypto";
import { homedir, tmpdir, userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { CortexError } from "../core/errors.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Where Cortex keeps what it knows: `CORTEX_HOME`, else the older `CORTEX_CLI_CONFIG_DIR`, else `~/.cortex`. A HOME that is empty
 * or relative names no folder of a user: it would be another one wherever a command is run.
 */
export function cortexHome(variables: Variables): string {
  const named = variables.CORTEX_HOME || variables.CORTEX_CLI_CONFIG_DIR;
  return named ? resolve(named) : join(userHome(), ".cortex");
}

/** @returns the folder of the user, also where HOME is empty or relative @throws FAILED where the system knows no such user */
export function userHome(variables: Variables = {}): string {
  try {
    const named = variables.HOME || homedir();
    return isAbsolute(named) ? named : userInfo().homedir;
  } catch (cause) {
    const hint = "set HOME, or CORTEX_HOME, to a folder that you may write";
    throw new CortexError("FAILED", "this system knows of no home folder for its user", { hint, cause });
  }
}

/** Longest path that a unix socket can be bound to on every Unix, its closing zero left out. */
const longestSocketPath = 103;

/**
 * A folder for unix sockets that belongs to `home`, short enough to bind in; the caller makes it with mode 0700.
 * A home with a long path gets a folder of its own in the temporary directory instead, named by user and home.
 */
export function socketFolder(home: string): string {
  const inHome = join(home, "run");
  const longestName = "/0123456789ab.99.sock";
  if (Buffer.byteLength(inHome) + longestName.length <= longestSocketPath) return inHome;
  const digest = createHash("sha256").update(home).digest("hex").slice(0, 12);
  return join(tmpdir(), `cortex-${userInfo().username}-${digest}`);
}

/** Where the agent of `home` listens for the CLI: a unix socket, on Windows a named pipe. */
export function agentAddress(home: string): string {
  if (process.platform !== "win32") return join(socketFolder(home), "agent.sock");
  return `\\\\.\\pipe\\cortex-${createHash("sha256").update(home.toLowerCase()).digest("hex").slice(0, 24)}`;
}
