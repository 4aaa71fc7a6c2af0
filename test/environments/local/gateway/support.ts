import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGateway } from "../../../../src/environments/local/gateway/gateway.ts";
import type { AccessLine, Backend, Gateway, GatewayLimits } from "../../../../src/environments/local/gateway/types.ts";

export interface RunningGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly access: AccessLine[];
  readonly waiting: string[];
}

/** A gateway on a free port with the route /api for the API "api". */
export async function startGateway(limits: Partial<GatewayLimits> = {}, maxQueueLength = 10): Promise<RunningGateway> {
  const access: AccessLine[] = [];
  const waiting: string[] = [];
  const gateway = createGateway({
    sweepMs: 10,
    ...limits,
    onAccess: (line) => access.push(line),
    onWaiting: (api) => waiting.push(api),
  });
  gateway.setRoute({ api: "api", endpoint: "/api", maxQueueLength });
  await gateway.listen(0);
  return {
    gateway,
    port: gateway.port!,
    access,
    waiting,
    [Symbol.asyncDispose]: () => gateway.close(AbortSignal.abort()),
  };
}

export interface Origin extends AsyncDisposable {
  readonly path: string;
  readonly sockets: Set<Socket>;
  readonly server: Server;
  /** Ends as a process that was killed does: every connection and the socket itself. */
  die(): void;
}

/** A replica in this process: `onSocket` gets every connection to its unix socket. */
export async function startOrigin(onSocket: (socket: Socket) => void): Promise<Origin> {
  return serve(createServer({ allowHalfOpen: true }, onSocket));
}

export async function startHttpOrigin(onRequest: RequestListener): Promise<Origin> {
  return serve(createHttpServer({ keepAliveTimeout: 60_000 }, onRequest));
}

async function serve(server: Server): Promise<Origin> {
  const folder = await mkdtemp(join(tmpdir(), "gateway-"));
  const path = join(folder, "s");
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const die = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    path,
    sockets,
    server,
    die,
    [Symbol.asyncDispose]: async () => {
      die();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function backendAt(path: string, more: Partial<Backend> = {}): Backend {
  return {
    id: "b1",
    replica: "r1",
    revision: 3,
    address: { path },
    maxConcurrency: 1,
    prefetch: false,
    ...more,
  };
}

/** Answers every request whose head (and Content-Length body) is complete with what `answer` makes of its text. */
export function answering(answer: (request: string, socket: Socket) => string | undefined): (socket: Socket) => void {
  return (socket) => {
    let text = "";
    socket.on("end", () => socket.end());
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      for (let end = requestEnd(text); end > 0; end = requestEnd(text)) {
        const reply = answer(text.slice(0, end), socket);
        text = text.slice(end);
        if (reply !== undefined) socket.write(reply, "latin1");
      }
    });
  };
}

function requestEnd(text: string): number {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return 0;
  if (/transfer-encoding: chunked/i.test(text.slice(0, headEnd))) {
    const end = text.indexOf("0\r\n\r\n", headEnd);
    return end < 0 ? 0 : end + 5;
  }
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, headEnd))?.[1] ?? 0);
  return text.length >= headEnd + 4 + length ? headEnd + 4 + length : 0;
}

export const ok = (body: string, headers = ""): string =>
  `HTTP/1.1 200 OK\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;

export interface Reply {
  readonly status: number;
  readonly headers: Map<string, string>;
  readonly body: string;
  readonly head: string;
}

/** A client that says exactly the bytes it is told to. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  /** Received and not yet taken by `reply`, Latin-1. */
  text = "";
  error: NodeJS.ErrnoException | undefined;
  isEnded = false;
  isClosed = false;
  private wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.socket.on("data", (bytes: Buffer) => {
      this.text += bytes.toString("latin1");
      this.wake();
    });
    this.socket.on("error", (error) => {
      this.error = error;
    });
    this.socket.on("end", () => {
      this.isEnded = true;
      this.wake();
    });
    this.socket.on("close", () => {
      this.isClosed = true;
      this.wake();
    });
  }

  send(text: string | Uint8Array): void {
    if (typeof text === "string") this.socket.write(text, "latin1");
    else this.socket.write(text);
  }

  /** Resolves when `isSo` holds; looked at after each event. */
  async until(isSo: (client: RawClient) => boolean): Promise<void> {
    while (!isSo(this)) {
      if (this.isClosed) throw new Error(`closed (${this.error?.code ?? "no error"}) with: ${this.text}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** The next whole response. */
  async reply(options: { readonly toHead?: boolean } = {}): Promise<Reply> {
    await this.until(({ text }) => text.includes("\r\n\r\n"));
    const headEnd = this.text.indexOf("\r\n\r\n") + 4;
    const head = this.text.slice(0, headEnd);
    const [statusLine, ...lines] = head.trimEnd().split("\r\n");
    const headers = new Map(lines.map((line) => [line.split(":")[0]!.toLowerCase(), line.replace(/^[^:]*:\s*/, "")]));
    const status = Number(statusLine!.split(" ")[1]);
    const hasNoBody = options.toHead || status < 200 || status === 204 || status === 304;
    const end = await this.bodyEnd(headEnd, hasNoBody ? new Map([["content-length", "0"]]) : headers);
    const body = this.text.slice(headEnd, end);
    this.text = this.text.slice(end);
    return { status, headers, body, head };
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  private async bodyEnd(headEnd: number, headers: Map<string, string>): Promise<number> {
    if (headers.get("transfer-encoding") === "chunked") {
      await this.until(({ text }) => /(^|\r\n)0\r\n([^\r\n]+\r\n)*\r\n/.test(text.slice(headEnd)));
      const match = /(^|\r\n)0\r\n([^\r\n]+\r\n)*\r\n/.exec(this.text.slice(headEnd))!;
      return headEnd + match.index + match[0].length;
    }
    const length = headers.get("content-length");
    if (length !== undefined) {
      await this.until(({ text }) => text.length >= headEnd + Number(length));
      return headEnd + Number(length);
    }
    await this.until(({ isEnded }) => isEnded);
    return this.text.length;
  }
}

/** Resolves when `isSo` holds, looked at every few milliseconds. */
export async function eventually(isSo: () => boolean, withinMs = 60_000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > until) throw new Error(`not so within ${withinMs} ms: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export const get = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
export const post = (path: string, body: string, headers = ""): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
