import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Variables } from "../../packages/find-python.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
}

/** What is sent, of known length; asked for once per attempt. */
export interface Body {
  readonly bytes: number;
  open(): AsyncIterable<Buffer>;
  /** Told how many bytes were given to the connection. */
  onSent?(bytes: number): void;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Where it came from in the end. */
  readonly url: URL;
  /** Must be read to its end, or destroyed. */
  readonly stream: IncomingMessage;
}

/** Connections to registries. */
export interface Http {
  /** Sends a request and follows redirects of those without a body. @throws what the network says; the reason of `signal` */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
}

/** A peer that is silent for so long is gone; registries may check what they got before they answer. */
const silentMs = 120_000;
const mostRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);
/** Far more than one image has layers that are sent at the same time. */
const mostSockets = 16;

/** @param certificates PEM texts of authorities that a host has of its own, see Docker's `certs.d` */
export function httpClient(variables: Variables, certificates: (host: string) => Promise<readonly string[]>): Http {
  const options = { keepAlive: true, maxSockets: mostSockets, proxyEnv: { ...variables } };
  const plain = new HttpAgent(options);
  const secure = new Map<string, Promise<HttpsAgent>>();
  const agentFor = async (url: URL): Promise<HttpAgent> => {
    if (url.protocol === "http:") return plain;
    const found = secure.get(url.host) ?? makeSecureAgent(url, options, certificates);
    secure.set(url.host, found);
    return found;
  };
  return {
    async send(request, signal) {
      let { url } = request;
      let headers = { ...request.headers };
      for (let hop = 0; ; hop += 1) {
        const response = await sendOnce({ ...request, url, headers }, await agentFor(url), signal);
        const location = response.headers.location;
        const canFollow = request.method === "GET" || request.method === "HEAD";
        if (!redirects.has(response.status) || location === undefined || !canFollow) return response;
        response.stream.resume();
        const next = new URL(location, url);
        if (hop >= mostRedirects) throw new Error("it redirects in circles");
        if (url.protocol === "https:" && next.protocol !== "https:") throw new Error("it redirects to plain HTTP");
        // Storage that a registry redirects to has its own signature in the address, and no business with the token.
        if (next.host !== url.host) headers = withoutAuthorization(headers);
        url = next;
      }
    },
  };
}

async function makeSecureAgent(
  url: URL,
  options: object,
  certificates: (host: string) => Promise<readonly string[]>,
): Promise<HttpsAgent> {
  const own = await certificates(url.host);
  const { getCACertificates } = await import("node:tls");
  // Also the system's authorities: companies put that of their inspecting proxy there.
  const ca = [...new Set([...getCACertificates("default"), ...getCACertificates("system"), ...own])];
  return new HttpsAgent({ ...options, ca });
}

function sendOnce(request: HttpRequest, agent: HttpAgent, signal: AbortSignal): Promise<HttpResponse> {
  signal.throwIfAborted();
  const { method, url, headers, body } = request;
  const options: RequestOptions = {
    method,
    agent,
    signal,
    headers: {
      "user-agent": "cortex",
      ...headers,
      ...((body || method !== "GET") && method !== "HEAD" && { "content-length": String(body?.bytes ?? 0) }),
    },
  };
  return new Promise((resolve, reject) => {
    const outgoing = url.protocol === "https:" ? httpsRequest(url, options) : httpRequest(url, options);
    let answered = false;
    outgoing.setTimeout(silentMs, () => outgoing.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    outgoing.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    outgoing.on("response", (stream) => {
      answered = true;
      stream.on("error", () => {});
      if (!outgoing.writableFinished) stream.once("end", () => !outgoing.writableFinished && outgoing.destroy());
      resolve({ status: stream.statusCode ?? 0, headers: stream.headers, url, stream });
    });
    if (!body) outgoing.end();
    else void writeBody(outgoing, body, () => answered).catch((error) => outgoing.destroy(error as Error));
  });
}

/** Stops early when the answer is there already: then the registry does not want the rest. */
async function writeBody(
  outgoing: ReturnType<typeof httpRequest>,
  body: Body,
  isAnswered: () => boolean,
): Promise<void> {
  for await (const chunk of body.open()) {
    if (outgoing.destroyed) return;
    // The connection still waits for the rest, so that it is of no more use once the answer is read.
    if (isAnswered()) return;
    const isFull = !outgoing.write(chunk);
    if (isFull) await drained(outgoing);
    body.onSent?.(chunk.length);
  }
  outgoing.end();
}

function drained(outgoing: ReturnType<typeof httpRequest>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const name of ["drain", "close", "response"]) outgoing.off(name, done);
      resolve();
    };
    for (const name of ["drain", "close", "response"]) outgoing.once(name, done);
  });
}

function withoutAuthorization(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization"));
}

/** Reads a short answer whole. @throws Error when it is longer than `mostBytes` */
export async function readAll({ stream }: HttpResponse, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error("the answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
