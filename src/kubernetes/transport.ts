import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { untilAborted } from "../core/streams.ts";
import type { Channel } from "./channel.ts";
import type { Credentials } from "./credentials.ts";
import { type DialOptions, dial } from "./dial.ts";
import type { RawRequest, RawResponse } from "./kube-client.ts";

/** One try of one request. */
export interface Transport extends AsyncDisposable {
  /**
   * @returns as soon as the answer has begun, whatever its status; `signal` also ends its body
   * @throws NoAnswer, or the reason of `signal`
   */
  send(request: RawRequest, credentials: Credentials, options: SendOptions, signal: AbortSignal): Promise<RawResponse>;
  /** A connection of one's own that speaks HTTP/1.1, for a WebSocket. @throws NoAnswer */
  dial(credentials: Credentials, signal: AbortSignal): Promise<Socket>;
  /** What comes before every path. */
  readonly base: string;
}

export interface SendOptions {
  /** Longest silence before the answer begins, in milliseconds; undefined: as long as the connection lives. */
  readonly silenceMs?: number;
}

/** Why there was no answer; the cause is the system's error. */
export class NoAnswer extends Error {
  /** Whether the server can have got the request. */
  readonly wasSent: boolean;

  constructor(cause: unknown, wasSent: boolean) {
    super((cause as Error).message, { cause });
    this.name = "NoAnswer";
    this.wasSent = wasSent;
  }
}

/** How often a request is sent anew that the server did not look at. */
const mostLeftAlone = 3;

interface HeldChannel {
  readonly opening: Promise<Channel>;
  /** The client certificate that it shows. */
  readonly certificate: string | undefined;
  open?: Channel;
}

type Place = Omit<DialOptions, "certificate" | "protocols">;

/**
 * Speaks HTTP/2 over one connection where the server can, which costs half of what ten connections do, else HTTP/1.1 over
 * several. A connection is opened when it is needed, and again when it broke or the client certificate is another.
 */
export function openTransport(place: Place): Transport {
  let channel:
    | { readonly opening: Promise<Channel>; readonly certificate: string | undefined; open?: Channel }
    | undefined;
  const base = place.server.pathname.replace(/\/$/, "");

  async function openChannel(certificate: Credentials["certificate"]): Promise<Channel> {
    const options = { ...place, certificate };
    const protocols = ["h2", "http/1.1"] as const;
    // Nearly every server speaks HTTP/2: what that takes is loaded while the connection comes about. The signal is one of its
    // own, since who asked first may give up while others wait.
    const [socket, { overHttp2 }] = await Promise.all([
      dial({ ...options, protocols }, new AbortController().signal),
      import("./http2-channel.ts"),
    ]);
    if ((socket as TLSSocket).alpnProtocol === "h2") return overHttp2(socket, place.server);
    const { overHttp1 } = await import("./http1-channel.ts");
    return overHttp1(socket, place.server, (signal) => dial({ ...options, protocols: ["http/1.1"] }, signal));
  }

  async function channelFor(certificate: Credentials["certificate"], signal: AbortSignal): Promise<Channel> {
    const id = certificate && certificate.certificate + certificate.key;
    if (channel && (channel.certificate !== id || channel.open?.isOpen === false)) {
      void channel.opening.then(
        (one) => one.close(),
        () => {},
      );
      channel = undefined;
    }
    if (!channel) {
      const made: HeldChannel = { opening: openChannel(certificate), certificate: id };
      channel = made;
      made.opening.then(
        (open) => {
          made.open = open;
        },
        () => {
          if (channel === made) channel = undefined;
        },
      );
    }
    return untilAborted(channel.opening, signal);
  }

  return {
    base,
    async send(request, credentials, { silenceMs }, signal) {
      for (let tries = 0; ; tries += 1) {
        try {
          const open = await channelFor(credentials.certificate, signal).catch((error: unknown) => {
            signal.throwIfAborted();
            throw new NoAnswer(error, false);
          });
          using limit = silenceLimit(signal, silenceMs);
          const headers = { "user-agent": "cortex", ...request.headers, ...credentials.headers };
          return await open.send(base + request.path, request, headers, limit.signal);
        } catch (error) {
          signal.throwIfAborted();
          if (error instanceof NoAnswer) throw error;
          // A server that wants a connection to end, as after it refused credentials, leaves the latest requests on it alone.
          if (!isUnprocessed(error)) throw new NoAnswer(error, true);
          if (tries >= mostLeftAlone) throw new NoAnswer(error, false);
        }
      }
    },
    async dial(credentials, signal) {
      try {
        return await dial({ ...place, certificate: credentials.certificate, protocols: ["http/1.1"] }, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw new NoAnswer(error, false);
      }
    },
    async [Symbol.asyncDispose]() {
      const last = channel;
      channel = undefined;
      await last?.opening.then(
        (one) => one.close(),
        () => {},
      );
    },
  };
}

/** Aborts with `signal`, and when nothing is disposed of it for `ms`: it then counts for the body no more. */
function silenceLimit(signal: AbortSignal, ms: number | undefined): { readonly signal: AbortSignal } & Disposable {
  if (ms === undefined) return { signal, [Symbol.dispose]: () => {} };
  const silence = new AbortController();
  const late = Object.assign(new Error(`no answer for ${ms / 1_000} s`), { code: "ETIMEDOUT" });
  const timer = setTimeout(() => silence.abort(late), ms);
  return { signal: AbortSignal.any([signal, silence.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What the server says it did not look at, or never got. */
function isUnprocessed(error: unknown): boolean {
  const text = `${(error as NodeJS.ErrnoException).code} ${(error as Error).message}`;
  return /REFUSED_STREAM|ERR_HTTP2_GOAWAY_SESSION|ERR_HTTP2_INVALID_SESSION|UNSENT/.test(text);
}
