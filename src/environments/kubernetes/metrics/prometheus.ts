import { gunzipSync } from "node:zlib";
import { CortexError } from "../../../core/errors.ts";
import type { KubeClient, RawResponse } from "../../../kubernetes/kube-client.ts";

/** One line of an answer: its labels, and the value now. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Service of the cluster, as the URL that pods use names it. */
export interface ServiceAddress {
  readonly namespace: string;
  readonly name: string;
  readonly port: string;
  readonly isHttps: boolean;
  /** Below the Service's root, without a slash at the end. */
  readonly path: string;
}

/** Longest answer that is read. */
const mostBytes = 64 * 2 ** 20;

/** @returns undefined when `url` names no Service: an address, one word, or a domain name */
export function serviceAddress(url: string): ServiceAddress | undefined {
  const { protocol, hostname, port, pathname } = new URL(url);
  const [name, namespace, ...rest] = hostname.split(".");
  const isService = rest.length === 0 || rest[0] === "svc";
  if (!name || !namespace || !isService || /^[\d.]+$|:/.test(hostname)) return undefined;
  const isHttps = protocol === "https:";
  return { namespace, name, port: port || (isHttps ? "443" : "80"), isHttps, path: pathname.replace(/\/+$/, "") };
}

/**
 * Asks a Prometheus one question: a Service of the cluster through the API server, any other directly.
 * @param url as pods reach it; may hold a user and a password
 * @throws CortexError NOT_AUTHORISED, REQUEST_FAILED, the reason of `signal`
 */
export async function askPrometheus(
  client: KubeClient,
  url: string,
  query: string,
  signal: AbortSignal,
): Promise<readonly Sample[]> {
  const service = serviceAddress(url);
  const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
  const response = service
    ? await client.request(
        { method: "GET", path: `${proxyPath(service)}${path}`, headers: { "accept-encoding": "gzip" } },
        signal,
      )
    : await directly(url, path, signal);
  const text = await readText(response, signal);
  if (response.status === 200) return samplesOf(text, url);
  throw refusal(response.status, text, url, service);
}

function proxyPath({ namespace, name, port, isHttps, path }: ServiceAddress): string {
  return `/api/v1/namespaces/${namespace}/services/${isHttps ? "https:" : ""}${name}:${port}/proxy${path}`;
}

async function directly(url: string, path: string, signal: AbortSignal): Promise<RawResponse> {
  const { username, password, origin, pathname } = new URL(url);
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers = username ? { authorization: `Basic ${Buffer.from(login).toString("base64")}` } : {};
  try {
    const { status, body } = await fetch(`${origin}${pathname.replace(/\/+$/, "")}${path}`, { headers, signal });
    return { status, headers: {}, body: body ?? noBody() };
  } catch (error) {
    signal.throwIfAborted();
    const cause = (error as Error).cause;
    const why = cause instanceof Error ? cause.message : (error as Error).message;
    throw new CortexError("REQUEST_FAILED", `Prometheus at ${shown(url)} cannot be reached: ${why}`, { cause: error });
  }
}

async function* noBody(): AsyncGenerator<Uint8Array> {}

async function readText({ headers, body }: RawResponse, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    signal.throwIfAborted();
    bytes += chunk.byteLength;
    if (bytes > mostBytes) throw new CortexError("REQUEST_FAILED", "the answer of Prometheus is too long");
    chunks.push(chunk);
  }
  const all = Buffer.concat(chunks);
  const isPacked = headers["content-encoding"] === "gzip";
  return (isPacked ? gunzipSync(all, { maxOutputLength: mostBytes }) : all).toString("utf8");
}

interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}

function samplesOf(text: string, url: string): readonly Sample[] {
  try {
    const { data } = JSON.parse(text) as Answer;
    return data.result.map(({ metric, value }) => ({
      labels: metric,
      value: Number(value[1].replace("Inf", "Infinity")),
    }));
  } catch {
    throw new CortexError("REQUEST_FAILED", `what answers at ${shown(url)} is no Prometheus`);
  }
}

function refusal(status: number, text: string, url: string, service: ServiceAddress | undefined): CortexError {
  const said = messageIn(text);
  if (status === 401 || status === 403) {
    const needed = service && `get services/proxy of ${service.name} in the namespace ${service.namespace}`;
    return new CortexError("NOT_AUTHORISED", `not allowed to ask Prometheus at ${shown(url)}`, {
      hint: needed ? `${needed} is needed` : "give its user and password in the URL: https://user:password@host",
    });
  }
  return new CortexError("REQUEST_FAILED", `Prometheus at ${shown(url)} does not answer (${said || `HTTP ${status}`})`);
}

/** What Prometheus, or the API server in its place, says is wrong. */
function messageIn(text: string): string {
  try {
    const { error, message } = JSON.parse(text) as { readonly error?: string; readonly message?: string };
    return error ?? message ?? "";
  } catch {
    return "";
  }
}

/** Without user and password. */
export function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return pathname === "/" ? origin : origin + pathname;
}
