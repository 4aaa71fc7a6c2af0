/** Where in a file a problem stands. Lines and columns count from 1; `text` is that line as written. */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text?: string;
}

/** Exit statuses by code. A code is stable: scripts and tests rely on it. */
const exitStatuses = {
  FAILED: 1,
  ROLLOUT_FAILED: 1,
  PACKAGES_FAILED: 1,
  PYTHON_UNUSABLE: 1,
  PORT_TAKEN: 1,
  DISK_FULL: 1,
  NOT_WRITABLE: 1,
  AGENT_FAILED: 1,
  CLUSTER_UNREACHABLE: 1,
  CLUSTER_REFUSED: 1,
  AWS_FAILED: 1,
  REGISTRY_FAILED: 1,
  IMAGE_FAILED: 1,
  REQUEST_FAILED: 1,
  USAGE: 2,
  INPUT_NEEDED: 2,
  SPEC_INVALID: 2,
  PROJECT_INVALID: 2,
  NOT_SUPPORTED: 2,
  NOT_AUTHORISED: 3,
  API_NOT_FOUND: 4,
  REVISION_NOT_FOUND: 4,
  ENVIRONMENT_NOT_FOUND: 4,
  FILE_NOT_FOUND: 4,
  TIMED_OUT: 5,
  CONFLICT: 6,
  AGENT_REPLACED: 6,
  NO_CAPACITY: 7,
  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof exitStatuses;

/** One thing that is wrong, as a person reads it; several make up one error when they are found together. */
export interface Problem {
  readonly message: string;
  readonly at?: Location;
  readonly hint?: string;
}

export interface ErrorContext {
  readonly at?: Location;
  /** What to do next, in one line. */
  readonly hint?: string;
  /** What the failing thing itself printed: a traceback, the last log lines. */
  readonly details?: string;
  /** All problems of one input, when there may be several; `message` then summarises them. */
  readonly problems?: readonly Problem[];
  readonly cause?: unknown;
}

/** Something that the user can act on. A bug of ours stays a plain `Error` with its stack. */
export class CortexError extends Error {
  readonly code: ErrorCode;
  readonly at: Location | undefined;
  readonly hint: string | undefined;
  readonly details: string | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = "CortexError";
    this.code = code;
    this.at = context.at;
    this.hint = context.hint;
    this.details = context.details;
    this.problems = context.problems ?? [];
  }
}

/** All that an error tells, each by itself. */
export function problemsOf({ problems, message, at, hint }: CortexError): readonly Problem[] {
  if (problems.length > 0) return problems;
  return [{ message, ...(at && { at }), ...(hint !== undefined && { hint }) }];
}

/** The exit status that `error` ends the process with: 1 for what is not a `CortexError`. */
export function exitStatus(error: unknown): number {
  return error instanceof CortexError ? exitStatuses[error.code] : 1;
}

/** The shape errors travel in: between agent and CLI, and under `-o json`. */
export interface ErrorJson {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at?: Location;
  readonly hint?: string;
  readonly details?: string;
  readonly problems?: readonly Problem[];
}

/** @returns `error` as JSON; one that is not a `CortexError` becomes code FAILED with its message alone. */
export function errorToJson(error: unknown): ErrorJson {
  if (!(error instanceof CortexError)) {
    return { code: "FAILED", message: error instanceof Error ? error.message : String(error) };
  }
  const { code, message, at, hint, details, problems } = error;
  return {
    code,
    message,
    ...(at && { at }),
    ...(hint && { hint }),
    ...(details && { details }),
    ...(problems.length > 0 && { problems }),
  };
}

export function errorFromJson({ code, message, ...context }: ErrorJson): CortexError {
  return new CortexError(code, message, context);
}
