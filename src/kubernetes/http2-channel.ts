import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import { type Channel, type Headers, lostConnection } from "./channel.ts";
import type { RawResponse } from "./kube-client.ts";

/** How much the server may send ahead of a slow reader, per answer and for all, in bytes. */
const answerWindow = 1024 * 1024;
const sessionWindow = 16 * 1024 * 1024;
/** While answers are awaited, the connection is tried so often, and given up when nothing comes back for so long. */
const pingEveryMs = 15_000;
const pingLostMs = 10_000;

/** @param socket speaks HTTP/2 already */
export function overHttp2(socket: Socket, server: URL): Channel {
  const session = connect(server, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: answerWindow },
    maxSessionMemory: 256,
  });
  // A session that breaks is seen in its streams; without any nobody has to know.
  session.on("error", () => {});
  session.once("connect", () => session.setLocalWindowSize(sessionWindow));
  let underWay = 0;
  const pings = setInterval(() => underWay > 0 && ping(session), pingEveryMs).unref();
  session.once("close", () => clearInterval(pings));
  return {
    get isOpen() {
      return !session.closed && !session.destroyed;
    },
    async send(path, request, headers, signal) {
      signal.throwIfAborted();
      const hasBody = request.body !== undefined;
      const stream = session.request(
        { ...forHttp2(headers), ":method": request.method, ":path": path },
        { endStream: !hasBody },
      );
      underWay += 1;
      stream.once("close", () => {
        underWay -= 1;
      });
      const abort = () => stream.close(constants.NGHTTP2_CANCEL);
      signal.addEventListener("abort", abort, { once: true });
      stream.once("close", () => signal.removeEventListener("abort", abort));
      if (hasBody) stream.end(request.body);
      return answer(stream, signal);
    },
    close() {
      session.close();
    },
  };
}

/** These are about one connection, which HTTP/2 says otherwise. */
const ofConnection = ["connection", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

function forHttp2(headers: Headers): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !ofConnection.includes(name.toLowerCase()));
  return Object.fromEntries(kept) as OutgoingHttpHeaders;
}

function answer(stream: ClientHttp2Stream, signal: AbortSignal): Promise<RawResponse> {
  const answered = Promise.withResolvers<RawResponse>();
  stream.once("response", ({ ":status": status, ...fields }) => {
    const headers = Object.entries(fields).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : `${value}`,
    ]);
    answered.resolve({ status: Number(status), headers: Object.fromEntries(headers), body: body(stream, signal) });
  });
  stream.on("error", answered.reject);
  stream.once("close", () => answered.reject(signal.aborted ? signal.reason : lostConnection()));
  return answered.promise;
}

async function* body(stream: ClientHttp2Stream, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
  signal.throwIfAborted();
  // A connection that breaks ends a stream as if it were whole.
  if (stream.aborted || (stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR)) {
    throw lostConnection();
  }
}

function ping(session: ClientHttp2Session): void {
  if (session.destroyed) return;
  const lost = setTimeout(
    () => session.destroy(Object.assign(new Error("the server does not answer any more"), { code: "ETIMEDOUT" })),
    pingLostMs,
  ).unref();
  const isSent = session.ping(() => clearTimeout(lost));
  if (!isSent) clearTimeout(lost);
}
