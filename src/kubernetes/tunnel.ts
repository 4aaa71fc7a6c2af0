import { isIPv4, isIPv6, type Socket } from "node:net";

/** Asks an HTTP proxy on `socket` for a way to `host`. @throws Error in plain words when it says no */
export async function httpTunnel(socket: Socket, proxy: URL, host: string, port: number): Promise<void> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const authorisation = proxy.username
    ? `Proxy-Authorization: Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString("base64")}\r\n`
    : "";
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorisation}\r\n`);
  const reader = byteReader(socket);
  const head = await reader.until("\r\n\r\n", 16_384);
  const status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0);
  if (status === 407) throw new Error("the proxy wants a name and a password, or others than it was given");
  if (status < 200 || status > 299) throw new Error(`the proxy refused with ${status || "an answer that is no HTTP"}`);
  reader.done();
}

const socksRefusals: Readonly<Record<number, string>> = {
  1: "general failure",
  2: "not allowed",
  3: "network unreachable",
  4: "host unreachable",
  5: "connection refused",
  6: "it took too long",
};

/** Asks a SOCKS 5 proxy on `socket` for a way to `host`, whose name the proxy looks up. @throws Error in plain words */
export async function socksTunnel(socket: Socket, proxy: URL, host: string, port: number): Promise<void> {
  const reader = byteReader(socket);
  const name = Buffer.from(decodeURIComponent(proxy.username));
  const password = Buffer.from(decodeURIComponent(proxy.password));
  socket.write(name.length > 0 ? Buffer.from([5, 2, 0, 2]) : Buffer.from([5, 1, 0]));
  const [version, method] = await reader.bytes(2);
  if (version !== 5) throw new Error("the proxy speaks no SOCKS 5");
  if (method === 2) {
    socket.write(Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([password.length]), password]));
    if ((await reader.bytes(2))[1] !== 0) throw new Error("the proxy refused the name and password it was given");
  } else if (method !== 0) {
    throw new Error("the proxy wants a name and a password");
  }
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), socksAddress(host), Buffer.from([port >> 8, port & 255])]));
  const [, refusal, , kind] = await reader.bytes(4);
  if (refusal !== 0) throw new Error(`the proxy refused: ${socksRefusals[refusal!] ?? `code ${refusal}`}`);
  const length = kind === 1 ? 4 : kind === 4 ? 16 : (await reader.bytes(1))[0]!;
  await reader.bytes(length + 2);
  reader.done();
}

function socksAddress(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from([1, ...host.split(".").map(Number)]);
  const name = Buffer.from(host);
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

/** Reads the beginning of what `socket` says, and leaves the rest in it. */
function byteReader(socket: Socket) {
  let held: Buffer = Buffer.alloc(0);
  let wake = Promise.withResolvers<void>();
  let problem: Error | undefined;
  const read = (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    wake.resolve();
  };
  const ended = (error?: Error) => {
    problem = error instanceof Error ? error : new Error("the proxy closed the connection");
    wake.resolve();
  };
  socket.on("data", read).once("close", ended).once("error", ended);
  const more = async () => {
    if (problem) throw problem;
    await wake.promise;
    wake = Promise.withResolvers();
  };
  return {
    async until(mark: string, most: number): Promise<string> {
      for (;;) {
        const at = held.indexOf(mark);
        if (at >= 0) return this.bytes(at + mark.length).then((bytes) => bytes.toString("latin1"));
        if (held.length > most) throw new Error("the proxy's answer has no end");
        await more();
      }
    },
    async bytes(count: number): Promise<Buffer> {
      while (held.length < count) await more();
      const taken = held.subarray(0, count);
      held = held.subarray(count);
      return taken;
    },
    done(): void {
      socket.off("data", read).off("close", ended).off("error", ended).pause();
      if (held.length > 0) socket.unshift(held);
    },
  };
}
