/** Why a message is refused. Parsers return these negative numbers where a position would stand. */
export const fault = {
  method: -1,
  target: -2,
  version: -3,
  lineEnd: -4,
  fieldName: -5,
  fieldValue: -6,
  folded: -7,
  contentLength: -8,
  transferEncoding: -9,
  bothLengths: -10,
  host: -11,
  headTooLarge: -12,
  tooManyFields: -13,
  expectation: -14,
  chunk: -15,
  notProxied: -16,
  statusLine: -17,
} as const;

/** An answer of the gateway itself, in place of a replica's. */
export interface Refusal {
  readonly status: number;
  /** Stable, for programs. */
  readonly code: string;
  /** For people. */
  readonly error: string;
  readonly retryAfterS?: number;
  /** More keys of the JSON body. */
  readonly details?: Readonly<Record<string, unknown>>;
}

const bad = (error: string): Refusal => ({ status: 400, code: "bad_request", error });

const refusals: Readonly<Record<number, Refusal>> = {
  [fault.method]: bad("the method is not a valid HTTP token"),
  [fault.target]: bad("the request target is neither a path nor an http:// URL"),
  [fault.version]: { status: 505, code: "http_version", error: "only HTTP/1.1 and HTTP/1.0 are spoken here" },
  [fault.lineEnd]: bad("a line of the request does not end in CR LF"),
  [fault.fieldName]: bad("a header's name is not valid"),
  [fault.fieldValue]: bad("a header's value holds a control character"),
  [fault.folded]: bad("a header is folded over several lines"),
  [fault.contentLength]: bad("Content-Length is not one number"),
  [fault.transferEncoding]: bad("the only Transfer-Encoding that is understood is `chunked`, given once, in HTTP/1.1"),
  [fault.bothLengths]: bad("Content-Length and Transfer-Encoding exclude each other"),
  [fault.host]: bad("HTTP/1.1 needs exactly one valid Host header"),
  [fault.headTooLarge]: { status: 431, code: "headers_too_large", error: "the request's headers exceed 16 KiB" },
  [fault.tooManyFields]: { status: 431, code: "headers_too_large", error: "the request has more than 100 headers" },
  [fault.expectation]: { status: 417, code: "expectation_failed", error: "the only expectation met is `100-continue`" },
  [fault.chunk]: bad("the chunked body is malformed"),
  [fault.notProxied]: { status: 405, code: "method_not_allowed", error: "CONNECT and TRACE are not served" },
};

/** The answer to a malformed request. */
export function refusalOf(code: number): Refusal {
  return refusals[code] ?? bad("the request is malformed");
}

export const tooSlow: Refusal = {
  status: 408,
  code: "request_timeout",
  error: "the request did not arrive in time",
};
