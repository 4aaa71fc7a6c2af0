import { type ClientRequestArgs, request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ApiRequest, ApiResponse, ApiState } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { resource } from "../../kubernetes/objects.ts";
import type { TrafficSplitter } from "../../spec/api.ts";
import { insideUrl } from "./api-states.ts";
import { pick, podSelector } from "./choose-pod.ts";
import { port } from "./names.ts";
import { connectToPod } from "./pod-connection.ts";
import { isReady } from "./pod-state.ts";
import type { Pod } from "./shapes.ts";

/** How long a gateway may take to let somebody in; behind it the API may take its time. */
const connectMs = 2_000;

/**
 * Sends one request to an API: through its gateway, and where there is none, or none that can be reached from here, straight to
 * a replica over a forwarded port. Unlike the API server's own proxy for services, that leaves every header and body as it is.
 * @throws REQUEST_FAILED when it broke off, NOT_AUTHORISED when ports may not be forwarded
 */
export async function requestApi(
  client: KubeClient,
  namespace: string,
  state: ApiState,
  request: ApiRequest,
  signal: AbortSignal,
): Promise<ApiResponse> {
  if (state.endpoint !== insideUrl(state.name, namespace)) {
    const answer = await throughGateway(state.endpoint, request, signal);
    if (answer) return answer;
  }
  return toReplica(client, namespace, state, request, signal);
}

/** @returns undefined when the gateway cannot be reached from here: nothing was sent then */
async function throughGateway(
  endpoint: string,
  request: ApiRequest,
  signal: AbortSignal,
): Promise<ApiResponse | undefined> {
  const url = new URL(endpoint);
  const isHttps = url.protocol === "https:";
  const send = isHttps ? (await import("node:https")).request : httpRequest;
  const opening = new AbortController();
  const timer = setTimeout(() => opening.abort(), connectMs);
  let isOpen = false;
  try {
    const below =
      url.pathname === "/" && request.path.startsWith("/") ? request.path : `${url.pathname}${request.path}`;
    const options = {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port,
      path: below,
      agent: false,
      headers: { ...request.headers, host: url.host },
    };
    const opened = () => {
      isOpen = true;
      clearTimeout(timer);
    };
    return await exchange(send, options, request, AbortSignal.any([signal, opening.signal]), (sent) =>
      sent.once("socket", (socket) => socket.once(isHttps ? "secureConnect" : "connect", opened)),
    );
  } catch (cause) {
    signal.throwIfAborted();
    if (!isOpen) return undefined;
    throw brokeOff(endpoint, cause);
  } finally {
    clearTimeout(timer);
  }
}

async function toReplica(
  client: KubeClient,
  namespace: string,
  { name, revision: { spec } }: ApiState,
  request: ApiRequest,
  signal: AbortSignal,
): Promise<ApiResponse> {
  const api = spec.kind === "TrafficSplitter" ? targetOf(spec, Math.random()) : name;
  const listed = await client.list<Pod>(resource.pod, { namespace, labelSelector: podSelector(api) }, signal);
  const pod = pick((listed?.items ?? []).filter(isReady), undefined);
  if (!pod) return unavailable(`${api} has no replica that is ready`);
  const connection = await connectToPod(client, namespace, pod.metadata.name, port.proxy, signal);
  const path = request.path.startsWith("/") ? request.path : `/${request.path}`;
  const options: ClientRequestArgs = {
    path,
    headers: { host: `${api}.${namespace}`, ...request.headers },
    createConnection: () => connection as Duplex as never,
  };
  try {
    return await exchange(httpRequest, options, request, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw cause instanceof CortexError ? cause : brokeOff(`${api} (replica ${pod.metadata.name})`, cause);
  }
}

/** @param chance 0 to 1: which of the APIs, each by its weight, is asked; shadows never are */
export function targetOf({ apis }: Pick<TrafficSplitter, "apis">, chance: number): string {
  const targets = apis.filter(({ shadow, weight }) => !shadow && weight > 0);
  let left = chance * targets.reduce((sum, { weight }) => sum + weight, 0);
  for (const { name, weight } of targets) {
    left -= weight;
    if (left < 0) return name;
  }
  return targets.at(-1)?.name ?? apis[0]!.name;
}

async function exchange(
  send: typeof httpRequest,
  options: ClientRequestArgs,
  { method, headers, body }: ApiRequest,
  signal: AbortSignal,
  onSent: (sent: ReturnType<typeof httpRequest>) => void = () => {},
): Promise<ApiResponse> {
  const answered = Promise.withResolvers<IncomingMessage>();
  const length = body.byteLength > 0 || !["GET", "HEAD"].includes(method) ? { "content-length": body.byteLength } : {};
  const sent = send({ ...options, method, headers: { ...headers, ...(options.headers as object), ...length }, signal });
  onSent(sent);
  sent.once("response", answered.resolve).once("error", answered.reject);
  sent.end(body);
  const response = await answered.promise;
  const fields = Object.entries(response.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : `${value}`,
  ]);
  return { status: response.statusCode ?? 0, headers: Object.fromEntries(fields), body: response };
}

/** What the gateway would say, where there is one. */
function unavailable(error: string): ApiResponse {
  const body = async function* () {
    yield Buffer.from(JSON.stringify({ error }));
  };
  return { status: 503, headers: { "content-type": "application/json" }, body: body() };
}

function brokeOff(what: string, cause: unknown): CortexError {
  return new CortexError("REQUEST_FAILED", `${what} did not answer: ${(cause as Error).message}`, {
    hint: "see what it does with: cortex get, cortex logs",
    cause,
  });
}
