import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type Channel, lostConnection } from "./channel.ts";
import type { RawResponse } from "./kube-client.ts";

/**
 * @param first a connection that is open already
 * @param dial opens one more
 */
export function overHttp1(first: Socket, server: URL, dial: (signal: AbortSignal) => Promise<Socket>): Channel {
  let spare: Socket | undefined = first;
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 24 });
  agent.createConnection = (_options, callback) => {
    const held = spare;
    spare = undefined;
    if (held && !held.destroyed) return held;
    dial(new AbortController().signal).then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    );
    return undefined;
  };
  let isOpen = true;
  return {
    get isOpen() {
      return isOpen;
    },
    async send(path, request, headers, signal) {
      signal.throwIfAborted();
      const outgoing = httpRequest({
        agent,
        host: server.hostname,
        method: request.method,
        path,
        headers: { host: server.host, ...lengthOf(request.body), ...headers },
      });
      const abort = () => outgoing.destroy();
      signal.addEventListener("abort", abort, { once: true });
      outgoing.once("close", () => signal.removeEventListener("abort", abort));
      const answered = Promise.withResolvers<RawResponse>();
      outgoing.once("response", (incoming) => answered.resolve(asResponse(incoming, signal)));
      outgoing.on("error", (error) => answered.reject(signal.aborted ? signal.reason : error));
      outgoing.once("close", () => answered.reject(signal.aborted ? signal.reason : lostConnection()));
      outgoing.end(request.body);
      return answered.promise;
    },
    close() {
      isOpen = false;
      spare?.destroy();
      agent.destroy();
    },
  };
}

/** Of a DELETE, Node does not tell by itself. */
function lengthOf(body: Uint8Array | string | undefined): Record<string, string> {
  return body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
}

function asResponse(incoming: IncomingMessage, signal: AbortSignal): RawResponse {
  incoming.on("error", () => {});
  const headers = Object.entries(incoming.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return { status: incoming.statusCode ?? 0, headers: Object.fromEntries(headers), body: body(incoming, signal) };
}

async function* body(incoming: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk as Uint8Array;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
  signal.throwIfAborted();
  if (!incoming.complete) throw lostConnection();
}
