import { connect, createServer, type Server, type Socket } from "node:net";

/** Passes connections on to another address, until it is told to be as good as gone. */
export interface TcpRelay extends AsyncDisposable {
  readonly port: number;
  /** Cuts every connection and takes no new ones. */
  cut(): Promise<void>;
  /** Takes connections again, on the same port. */
  mend(): Promise<void>;
}

export async function tcpRelay(target: { readonly host: string; readonly port: number }): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  let server = await listen(0);
  const { port } = server.address() as { port: number };

  function listen(on: number): Promise<Server> {
    const made = createServer((client) => {
      const upstream = connect(target);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.once("close", () => {
          sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream).pipe(client);
    });
    return new Promise((listening, failed) => {
      made.once("error", failed);
      made.listen(on, "127.0.0.1", () => listening(made));
    });
  }

  async function cut(): Promise<void> {
    const closed = new Promise<void>((done) => server.close(() => done()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  return {
    port,
    cut,
    async mend() {
      server = await listen(port);
    },
    [Symbol.asyncDispose]: cut,
  };
}
