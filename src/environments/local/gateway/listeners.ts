import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { CortexError } from "../../../core/errors.ts";

type OnConnection = (socket: Socket) => void;

/** Tries of a port that is free on both loopback addresses, when any will do. */
const tries = 10;

/**
 * Listens on the loopback addresses: 127.0.0.1, and ::1 where the machine has it.
 * @param port 0: any that is free on both
 * @returns the listening servers, IPv4 first
 * @throws CortexError PORT_TAKEN
 */
export async function listenOnLoopback(port: number, onConnection: OnConnection): Promise<Server[]> {
  for (let attempt = 1; ; attempt++) {
    const first = await listenOn("127.0.0.1", port, onConnection).catch((error: unknown) => {
      throw portError(port, error);
    });
    try {
      const second = await listenOn("::1", portOf(first), onConnection);
      return [first, second];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT" || code === "EINVAL") return [first];
      await stopListening([first]);
      if (port !== 0 || attempt === tries) throw portError(port, error);
    }
  }
}

/** Closes listening servers; their connections stay. */
export async function stopListening(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function listenOn(host: string, port: number, onConnection: OnConnection): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.once("error", reject);
    server.listen({ host, port, backlog: 1024, ipv6Only: host === "::1" }, () => {
      server.off("error", reject);
      // A failed accept (too many open files) concerns one connection, not the gateway.
      server.on("error", () => {});
      resolve(server);
    });
  });
}

function portError(port: number, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "EADDRINUSE" && code !== "EACCES") return error;
  const why = code === "EACCES" ? "this user may not listen on it" : "another program listens on it";
  return new CortexError("PORT_TAKEN", `port ${port} cannot be used: ${why}`, {
    hint: "stop that program, or choose another port: CORTEX_LOCAL_PORT=8889",
    cause: error,
  });
}
