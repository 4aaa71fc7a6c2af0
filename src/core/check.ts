/** One thing that was looked at: is it as Cortex needs it? */
export interface Check {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do about it, there whenever the status is not ok; may have several lines. */
  readonly fix?: string;
}
