import { STATUS_CODES } from "node:http";
import type { Refusal } from "./faults.ts";

/** How an answer of the gateway itself leaves. */
export interface ReplyOptions {
  readonly requestId: string;
  readonly isHead: boolean;
  /** Whether the connection is closed afterwards. */
  readonly closes: boolean;
  readonly minor: number;
}

/** A whole response that says why a request was not served. Browsers may read it from any page, as those of APIs. */
export function refusalResponse(refusal: Refusal, options: ReplyOptions): string {
  const { status, code, error, details, retryAfterS } = refusal;
  const body = JSON.stringify({ error, code, ...details, request_id: options.requestId });
  const lines = retryAfterS === undefined ? "" : `retry-after: ${Math.ceil(retryAfterS)}\r\n`;
  return response(status, "application/json", lines, `${body}\n`, options);
}

export function textResponse(contentType: string, body: string, options: ReplyOptions): string {
  return response(200, contentType, "", body, options);
}

function response(status: number, contentType: string, lines: string, body: string, options: ReplyOptions): string {
  const connection = options.closes ? "connection: close\r\n" : options.minor === 0 ? "connection: keep-alive\r\n" : "";
  const head =
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}\r\ncontent-type: ${contentType}\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\naccess-control-allow-origin: *\r\n` +
    `x-request-id: ${options.requestId}\r\n${lines}${connection}\r\n`;
  // Latin-1 text is what wires send, byte for byte, so UTF-8 goes through them one byte per character.
  return head + (options.isHead ? "" : Buffer.from(body).toString("latin1"));
}

const noReplica = "no healthy upstream";

export const refusalFor = {
  unknownPath: (path: string, endpoints: readonly string[]): Refusal => ({
    status: 404,
    code: "not_found",
    error:
      endpoints.length === 0
        ? "no API is deployed here"
        : `no API is deployed at ${path || "/"}; there ${endpoints.length === 1 ? "is" : "are"} ${endpoints.join(", ")}`,
    details: { endpoints },
  }),
  queueFull: (api: string, waiting: number): Refusal => ({
    status: 503,
    code: "queue_full",
    error: `pending request queue full: ${waiting} requests to ${api} wait already (max_queue_length)`,
    retryAfterS: 1,
    details: { api },
  }),
  unavailable: (api: string, cause: { code: string; message: string; retryAfterS: number }): Refusal => ({
    status: 503,
    code: cause.code,
    error: `${noReplica}: ${cause.message}`,
    retryAfterS: cause.retryAfterS,
    details: { api },
  }),
  targetMissing: (splitter: string, api: string): Refusal => ({
    status: 503,
    code: "target_missing",
    error: `${noReplica}: ${splitter} sends requests to ${api}, which is not deployed`,
    retryAfterS: 10,
    details: { api, splitter },
  }),
  heldTooLong: (api: string, heldMs: number): Refusal => ({
    status: 503,
    code: "hold_timeout",
    error: `${noReplica}: no replica of ${api} took the request within ${Math.round(heldMs / 1000)} s`,
    retryAfterS: 10,
    details: { api },
  }),
  deleted: (api: string): Refusal => ({
    status: 503,
    code: "api_deleted",
    error: `${noReplica}: ${api} was deleted`,
    details: { api },
  }),
  closing: (): Refusal => ({
    status: 503,
    code: "gateway_closing",
    error: `${noReplica}: the gateway is being stopped`,
    retryAfterS: 1,
  }),
  tooManyConnections: (): Refusal => ({
    status: 503,
    code: "too_many_connections",
    error: "the gateway holds as many connections as it may",
    retryAfterS: 1,
  }),
  replicaEnded: (api: string, replica: string, cause: string): Refusal => ({
    status: 502,
    code: "replica_ended",
    error: `replica ended: ${cause}`,
    details: { api, replica },
  }),
  unreachable: (api: string, replica: string, cause: string): Refusal => ({
    status: 502,
    code: "replica_unreachable",
    error: `the replica does not accept connections: ${cause}`,
    retryAfterS: 1,
    details: { api, replica },
  }),
  invalidResponse: (api: string, replica: string): Refusal => ({
    status: 502,
    code: "invalid_response",
    error: "the replica's answer is not valid HTTP",
    details: { api, replica },
  }),
};
