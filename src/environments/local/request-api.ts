import { request as httpRequest, type IncomingMessage } from "node:http";
import type { ApiRequest, ApiResponse } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";

/** Sends one request to an API through the gateway. @throws REQUEST_FAILED when the gateway cannot be reached */
export async function requestApi(endpoint: string, request: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
  const answered = Promise.withResolvers<IncomingMessage>();
  const url = new URL(endpoint);
  const sent = httpRequest({
    host: "127.0.0.1",
    port: url.port,
    path: `${url.pathname}${request.path}`,
    method: request.method,
    headers: { ...request.headers, host: url.host, "content-length": request.body.byteLength },
    agent: false,
    signal,
  });
  sent.once("response", answered.resolve);
  sent.once("error", (cause) =>
    answered.reject(
      signal.aborted
        ? signal.reason
        : new CortexError("REQUEST_FAILED", `${endpoint} did not answer: ${cause.message}`, {
            hint: "see what it does with: cortex get, cortex logs",
            cause,
          }),
    ),
  );
  sent.end(request.body);
  const response = await answered.promise;
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
  return { status: response.statusCode ?? 0, headers, body: response };
}
