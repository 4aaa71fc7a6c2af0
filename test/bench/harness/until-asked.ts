import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";

/** What a command took before it opened its first connection. */
export interface UntilAsked {
  readonly cpuMs: number;
  readonly wallMs: number;
}

/**
 * Starts a command that speaks to a server of this process, and ends it with its first connection. Linux alone tells this.
 * @param command gets the server's port
 * @throws when it ends without one
 */
export async function timeUntilAsked(
  command: (
    port: number,
  ) => Promise<{ readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> }>,
): Promise<UntilAsked> {
  const server = createServer().listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const { argv, env } = await command((server.address() as AddressInfo).port);
    const startedAt = performance.now();
    const child = spawn(argv[0]!, argv.slice(1), { env, stdio: "ignore" });
    const ended = once(child, "close");
    const took = await new Promise<UntilAsked>((asked, failed) => {
      child.once("close", () => failed(new Error(`${argv.join(" ")} ended before it asked`)));
      server.once("connection", (socket) => {
        asked({ cpuMs: processorMs(child.pid!), wallMs: performance.now() - startedAt });
        socket.on("error", () => {});
        child.kill("SIGKILL");
      });
    });
    await ended;
    return took;
  } finally {
    server.close();
  }
}

/** Of all threads that still run, in milliseconds. */
function processorMs(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const nanoseconds = readdirSync(folder).map((task) =>
    Number(readFileSync(`${folder}/${task}/schedstat`, "utf8").split(" ")[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}
