import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { Credentials } from "./credentials.ts";
import type { KubeSocket } from "./kube-client.ts";
import { NoAnswer, type Transport } from "./transport.ts";
import { type Place, unreachable } from "./unreachable.ts";

/** Messages that are held for a reader who is slower than the server. */
const mostHeld = 64;
/** Proxies forget connections on which nothing is said. In milliseconds. */
const pingEveryMs = 30_000;

interface Refused {
  readonly status: number;
  readonly body: string;
}

/** @returns the open socket, or what the server answered instead. @throws NoAnswer, the reason of `signal` */
export async function openWebSocket(
  transport: Transport,
  credentials: Credentials,
  place: Place,
  { path, protocols }: { readonly path: string; readonly protocols: readonly string[] },
  signal: AbortSignal,
): Promise<KubeSocket | Refused> {
  const [{ WebSocket }, connection] = await Promise.all([import("ws"), transport.dial(credentials, signal)]);
  const { host } = place.server;
  // The connection is encrypted already, so the library is not to do it.
  const socket = new WebSocket(`ws://${host}${transport.base}${path}`, [...protocols], {
    createConnection: () => connection,
    headers: { "user-agent": "cortex", ...credentials.headers } as Record<string, string>,
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
  });
  const abort = () => socket.terminate();
  signal.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", abort));
  const opened = Promise.withResolvers<Refused | undefined>();
  socket.once("open", () => opened.resolve(undefined));
  socket.once("unexpected-response", (_request, response: IncomingMessage) => {
    text(response)
      .then((body) => opened.resolve({ status: response.statusCode ?? 0, body }), opened.reject)
      .finally(() => connection.destroy());
  });
  socket.on("error", opened.reject);
  // Messages may come with the answer itself: they are taken from the first on.
  const messages = messagesOf(socket, place, signal);
  try {
    const refused = await opened.promise;
    if (refused) return refused;
  } catch (error) {
    connection.destroy();
    signal.throwIfAborted();
    throw new NoAnswer(error, false);
  }
  const pings = setInterval(() => socket.readyState === socket.OPEN && socket.ping(), pingEveryMs).unref();
  socket.once("close", () => clearInterval(pings));
  return {
    protocol: socket.protocol,
    messages,
    send: (message) => new Promise((sent) => socket.send(message, () => sent())),
    close: () => socket.close(),
  };
}

type Socket = import("ws").WebSocket;

function messagesOf(socket: Socket, place: Place, signal: AbortSignal): AsyncIterable<Uint8Array> {
  let held: Uint8Array[] = [];
  let isOver = false;
  let failure: unknown;
  let news = Promise.withResolvers<void>();
  socket.on("message", (data) => {
    held.push(data as Buffer);
    if (held.length >= mostHeld) socket.pause();
    news.resolve();
  });
  socket.on("error", (error) => {
    failure = error;
  });
  socket.once("close", (code) => {
    isOver = true;
    // 1006: the connection ended without a word.
    if (code === 1006) failure ??= Object.assign(new Error("the connection was lost"), { code: "ECONNRESET" });
    news.resolve();
  });
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const batch = held;
        held = [];
        news = Promise.withResolvers();
        if (socket.isPaused) socket.resume();
        yield* batch;
        if (held.length > 0) continue;
        if (isOver) break;
        await news.promise;
      }
      signal.throwIfAborted();
      if (failure !== undefined) throw unreachable(new NoAnswer(failure, true), place);
    },
  };
}
