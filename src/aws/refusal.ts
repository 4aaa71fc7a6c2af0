/** What an error of the SDK, of the network or of the chain of credentials carries; all of it may be absent. */
interface Carried {
  readonly name?: string;
  /** How AWS names it where the SDK has made a name of its own of it: `NoSuchEntity`, whose name is `NoSuchEntityException`. */
  readonly Code?: string;
  readonly code?: string;
  readonly syscall?: string;
  readonly message?: string;
  readonly cause?: unknown;
  readonly $metadata?: {
    readonly httpStatusCode?: number;
    readonly clockSkewCorrected?: boolean;
    /** Put there by `connect-aws.ts`. */
    readonly date?: string;
  };
  readonly $response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> };
}

/**
 * Why a call failed, as far as it decides what comes next.
 * Not done for sure: `throttled`, `busy` (somebody else changes the same thing), `unsent` (no connection), `skewed` (signed by a
 * wrong clock, which is corrected by now), `unaccepted` (the credentials: expired, or wrong), `missing` (no credentials), `denied`,
 * `full` (a quota, or no capacity), `refused` (all else that AWS says).
 * Perhaps done: `failing` (AWS's own failure), `lost` (no answer).
 */
export type Refusal =
  | "throttled"
  | "busy"
  | "unsent"
  | "skewed"
  | "unaccepted"
  | "missing"
  | "denied"
  | "full"
  | "refused"
  | "failing"
  | "lost";

/** The chain gave no credentials: nothing was sent. */
export class NoCredentials extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "NoCredentials";
  }
}

const byName: readonly (readonly [Refusal, RegExp])[] = [
  // `LimitExceededException` is none of them: IAM and CloudWatch call a quota so.
  [
    "throttled",
    /^(Throttl|RequestThrottled|EC2Throttled|TooManyRequests|RequestLimitExceeded|SlowDown|BandwidthLimitExceeded|PriorRequestNotComplete|RateExceeded)|^Client\.RequestLimitExceeded/,
  ],
  [
    "busy",
    /^(OperationAborted|ConcurrentModification|ConditionalRequestConflict|ConflictingOperation|RequestTimeout$)/,
  ],
  [
    "unaccepted",
    /^(Expired|RequestExpired|InvalidToken|InvalidClientTokenId|UnrecognizedClient|AuthFailure|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|InvalidAccessKeyId|RequestTimeTooSkewed|RequestInTheFuture|TokenRefreshRequired)/,
  ],
  ["denied", /^(AccessDenied|UnauthorizedOperation|Unauthorized|Forbidden|AllAccessDisabled|NotAuthorized)/],
  [
    "full",
    /LimitExceeded|QuotaExceeded|^TooManyBuckets|^Insufficient\w*(Capacity|Addresses)|^(Vcpu|Instance|MaxSpotInstanceCount)\w*Exceeded|^ResourceCountExceeded/,
  ],
];

const unsentCodes = /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)/;
const untrusted = /^(CERT_|ERR_TLS|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET)|ERR_SSL)/;

/** Pure. */
export function refusalOf(error: unknown): Refusal {
  const { code = "", syscall, message = "", cause, $metadata } = carried(error);
  if (error instanceof NoCredentials) return refusalOfChain(cause);
  const status = statusOf(error);
  if (status !== undefined) {
    const name = awsErrorName(error) ?? "";
    // An answer to HEAD has no words, only a status.
    const isMute = !/[A-Za-z]/.test(name) || name === "Unknown" || name === "UnknownError";
    const [named] = byName.find(([, pattern]) => pattern.test(name)) ?? [];
    const isUnaccepted = named === "unaccepted" || (isMute && (status === 400 || status === 403));
    if (isUnaccepted && $metadata?.clockSkewCorrected === true) return "skewed";
    if (named !== undefined) return named;
    if (status === 429) return "throttled";
    if (isMute && status === 400) return "unaccepted";
    if (status === 403) return "denied";
    if (status >= 500) return "failing";
    // An answer of success that cannot be read.
    return status < 400 ? "lost" : "refused";
  }
  if (untrusted.test(code)) return "unsent";
  const isConnecting = syscall === "connect" || /without establishing a connection/.test(message);
  return unsentCodes.test(code) || isConnecting ? "unsent" : "lost";
}

/** An inner call for credentials that might go well another time, or none that would. */
function refusalOfChain(cause: unknown): Refusal {
  const { code = "", syscall } = carried(cause);
  const isNetwork = syscall === "connect" || unsentCodes.test(code) || /^(ECONNRESET|ETIMEDOUT|EPIPE)$/.test(code);
  if (isNetwork) return "unsent";
  const refusal = statusOf(cause) === undefined ? "missing" : refusalOf(cause);
  return refusal === "throttled" || refusal === "failing" ? "unsent" : "missing";
}

/** It names no certificate that this machine trusts: another try would get the same. */
export function isUntrusted(error: unknown): boolean {
  return untrusted.test(carried(error).code ?? "");
}

/** The name of the host leads nowhere, and the network is there to say so. */
export function isUnresolved(error: unknown): boolean {
  const { code, cause } = carried(error);
  return code === "ENOTFOUND" || carried(cause).code === "ENOTFOUND";
}

function statusOf(error: unknown): number | undefined {
  const { $metadata, $response } = carried(error);
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

function carried(error: unknown): Carried {
  return typeof error === "object" && error !== null ? (error as Carried) : {};
}

/**
 * @returns how AWS names what went wrong (`DependencyViolation`, `InvalidVpcID.NotFound`), through whatever wraps it;
 * undefined when AWS said nothing
 */
export function awsErrorName(error: unknown): string | undefined {
  for (let one = error, depth = 0; depth < 8; depth += 1) {
    if (statusOf(one) !== undefined) return carried(one).Code ?? carried(one).name;
    one = carried(one).cause;
    if (one === undefined) return undefined;
  }
  return undefined;
}

/** @returns what AWS says of it in its own words, e.g. to look for the resource that another one hangs on */
export function awsErrorMessage(error: unknown): string | undefined {
  for (let one = error, depth = 0; depth < 8; depth += 1) {
    if (statusOf(one) !== undefined) return carried(one).message;
    one = carried(one).cause;
    if (one === undefined) return undefined;
  }
  return undefined;
}

/** @returns AWS's own clock at an answer or a refusal (its `Date`), to the second, in milliseconds since the epoch */
export function answeredAt(answer: unknown): number | undefined {
  for (let one = answer, depth = 0; depth < 8 && one !== undefined; depth += 1) {
    const { $metadata, $response, cause } = carried(one);
    const at = Date.parse($metadata?.date ?? $response?.headers?.date ?? "");
    if (!Number.isNaN(at)) return at;
    one = cause;
  }
  return undefined;
}
