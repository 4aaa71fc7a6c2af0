import { CortexError, type ErrorCode, type ErrorContext } from "../core/errors.ts";

/** What the API server refused, or that it could not be reached. */
export class KubeError extends CortexError {
  /** Of HTTP; 0 when there was no answer. */
  readonly status: number;
  /** As the server names it: NotFound, AlreadyExists, Conflict, Forbidden, Expired, Invalid …; "" when there was no answer. */
  readonly reason: string;
  /**
   * Whether an earlier try of the same call may have been carried out with its answer lost: AlreadyExists can then mean one's
   * own object, Conflict one's own write.
   */
  readonly isAfterLostReply: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    status: number,
    reason: string,
    context: ErrorContext & { readonly isAfterLostReply?: boolean } = {},
  ) {
    super(code, message, context);
    this.isAfterLostReply = context.isAfterLostReply ?? false;
    this.name = "KubeError";
    this.status = status;
    this.reason = reason;
  }
}
