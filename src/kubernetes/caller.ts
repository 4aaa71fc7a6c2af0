import type { CredentialSource } from "./credentials.ts";
import type { KubeSocket, RawRequest, RawResponse } from "./kube-client.ts";
import { KubeError } from "./kube-error.ts";
import type { Limiter } from "./limiter.ts";
import { type Asked, readStatus, refusal, type Status } from "./refusal.ts";
import { nextWait, pause } from "./repeat.ts";
import { NoAnswer, type Transport } from "./transport.ts";
import { type Place, unreachable } from "./unreachable.ts";

export interface Caller {
  /** Tries once, or once more with newer credentials. @throws KubeError CLUSTER_UNREACHABLE; the answer may be any */
  once(request: RawRequest, signal: AbortSignal): Promise<RawResponse>;
  /** @throws KubeError also for what the server refuses */
  openSocket(path: string, protocols: readonly string[], signal: AbortSignal): Promise<KubeSocket>;
  /**
   * Repeats until there is an answer that repeating would not change. @returns what `read` makes of it
   * @throws KubeError for any status but 2xx
   */
  repeat<T>(
    request: RawRequest,
    asked: Asked,
    read: (response: RawResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>;
}

/** The server may take a minute for a request; webhooks of its own up to half of one. In milliseconds. */
const silenceMs = 65_000;
/** After the connection broke a server starts anew, and knows nobody for a moment. In milliseconds. */
const forgetfulMs = 5_000;

interface Failure {
  readonly error: KubeError;
  /** That decides whether to try again: 501 for a 500 that another try would get again; undefined: no answer. */
  readonly status: number | undefined;
  readonly retryAfter: number | undefined;
}

export function callerOf(transport: Transport, credentials: CredentialSource, limiter: Limiter, place: Place): Caller {
  const told = (asked: Asked): Asked =>
    place.strangerHint === undefined ? asked : { ...asked, strangerHint: place.strangerHint };
  let hasAnswered = false;
  let lostAt = Number.NEGATIVE_INFINITY;

  async function send(request: RawRequest, silence: number | undefined, signal: AbortSignal): Promise<RawResponse> {
    for (let isSecond = false; ; isSecond = true) {
      const options = silence === undefined ? {} : { silenceMs: silence };
      const shown = await credentials.current(signal);
      const response = await transport.send(request, shown, options, signal);
      hasAnswered = true;
      if (response.status !== 401 || isSecond || !credentials.refused(shown)) return response;
      await readAll(response).catch(() => {});
    }
  }

  async function attempt<T>(
    request: RawRequest,
    asked: Asked,
    read: (response: RawResponse) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ readonly value: T } | Failure> {
    using _place = await limiter.enter(signal);
    try {
      const response = await send(request, silenceMs, signal);
      if (response.status >= 200 && response.status < 300) return { value: await whole(read(response), signal) };
      return await refused(response, asked);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { error: unreachable(error, place), status: undefined, retryAfter: undefined };
    }
  }

  return {
    async once(request, signal) {
      try {
        using _place = await limiter.enter(signal);
        const response = await send(request, undefined, signal);
        return { ...response, body: explained(response.body, place, signal) };
      } catch (error) {
        throw error instanceof NoAnswer ? unreachable(error, place) : error;
      }
    },
    async openSocket(path, protocols, signal) {
      const { openWebSocket } = await import("./websocket.ts");
      const asked = told({ verb: "get", path, context: place.context });
      try {
        for (let isSecond = false; ; isSecond = true) {
          const shown = await credentials.current(signal);
          const opened = await openWebSocket(transport, shown, place, { path, protocols }, signal);
          if (!("status" in opened)) return opened;
          if (opened.status !== 401 || isSecond || !credentials.refused(shown)) {
            throw refusal(opened.status, readStatus(opened.status, opened.body), asked);
          }
        }
      } catch (error) {
        throw error instanceof NoAnswer ? unreachable(error, place) : error;
      }
    },
    async repeat<T>(
      request: RawRequest,
      asked: Asked,
      read: (response: RawResponse) => Promise<T>,
      signal: AbortSignal,
    ): Promise<T> {
      const startedAt = performance.now();
      let isAfterLostReply = false;
      for (let tries = 0; ; tries += 1) {
        const outcome: { readonly value: T } | Failure = await attempt(
          request,
          told({ ...asked, isAfterLostReply }),
          read,
          signal,
        );
        if ("value" in outcome) return outcome.value;
        const { error, status }: Failure = outcome;
        if (status === undefined) {
          if (!hasAnswered) throw error;
          lostAt = performance.now();
          isAfterLostReply ||= error.isAfterLostReply;
        }
        const isForgetful = (status === 401 || status === 403) && performance.now() - lostAt < forgetfulMs;
        const elapsedMs = performance.now() - startedAt;
        const wait = nextWait({ ...outcome, ...(isForgetful && { status: 503 }), elapsedMs, tries }, Math.random);
        if (wait === undefined) throw error;
        await pause(wait, signal);
      }
    },
  };
}

async function* explained(
  body: AsyncIterable<Uint8Array>,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(new NoAnswer(error, true), place);
  }
}

/** A connection that breaks while an answer is read is as one that breaks before. */
async function whole<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KubeError) throw error;
    throw new NoAnswer(error, true);
  }
}

async function refused(response: RawResponse, asked: Asked): Promise<Failure> {
  const status = readStatus(response.status, await readAll(response).catch(() => ""));
  const header = Number(response.headers["retry-after"] ?? Number.NaN);
  const retryAfter = Number.isFinite(header) ? header : status.details?.retryAfterSeconds;
  return {
    error: refusal(response.status, status, asked),
    status: response.status === 500 && !isOwnFailure(status) ? 501 : response.status,
    retryAfter,
  };
}

/** Some objects that make no sense are answered with 500 too: those come without a reason. */
function isOwnFailure({ kind, reason, message = "" }: Status): boolean {
  return kind === undefined || Boolean(reason) || /etcdserver|rpc error|deadline|timed out/.test(message);
}

/** @throws KubeError when it is no object, what the connection failed with before the end */
export async function readJson<T>(response: RawResponse, asked: Asked): Promise<T> {
  const text = await readAll(response);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as T;
    throw new Error("no object");
  } catch {
    const message = "the answer is no JSON: is the server really a Kubernetes API?";
    throw refusal(response.status, { message }, asked);
  }
}

/** @throws what the connection failed with before the end */
export async function readAll({ body, headers }: RawResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (headers["content-encoding"] !== "gzip") return bytes.toString("utf8");
  return (await import("node:zlib")).gunzipSync(bytes).toString("utf8");
}
