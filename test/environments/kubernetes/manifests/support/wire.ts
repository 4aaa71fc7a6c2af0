import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly version?: "1.0" | "1.1";
  readonly signal?: AbortSignal;
}

/** One request on a connection of its own, read to the connection's end. @throws when `signal` aborts, which cuts it */
export async function ask(target: Target, path: string, asked: Asked = {}): Promise<Answered> {
  const { method = "GET", headers = {}, body = "", version = "1.1", signal } = asked;
  const lines = { host: "replica", connection: "close", "content-length": String(Buffer.byteLength(body)), ...headers };
  const socket = await open(target, signal);
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/${version}\r\n${head.join("")}\r\n`);
  socket.write(body);
  const received: Buffer[] = [];
  for await (const chunk of socket) {
    received.push(chunk as Buffer);
    const answer = complete(Buffer.concat(received));
    if (answer) {
      socket.destroy();
      return answer;
    }
  }
  throw new Error(`cut after ${JSON.stringify(Buffer.concat(received).toString())}`);
}

export async function open({ host, port }: Target, signal?: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, ...(signal && { signal }) });
  await once(socket, "connect");
  return socket;
}

/** What comes next until it ends in `end`. */
export async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = "";
  while (!text.endsWith(end)) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) await once(socket, "readable");
    else text += chunk.toString();
  }
  return text;
}

function complete(bytes: Buffer): Answered | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first = "", ...lines] = bytes.subarray(0, end).toString().split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const text = bytes.subarray(end + 4).toString();
  const isWhole = headers["transfer-encoding"]
    ? text.endsWith("0\r\n\r\n")
    : Buffer.byteLength(text) === Number(headers["content-length"]);
  return isWhole ? { status: Number(first.split(" ")[1]), headers, text } : undefined;
}
