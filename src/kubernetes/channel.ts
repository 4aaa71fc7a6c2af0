import type { RawRequest, RawResponse } from "./kube-client.ts";

export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** A way of speaking to the server over connections that are open. */
export interface Channel {
  /** False when a new one has to be made for the next request. */
  readonly isOpen: boolean;
  /** @returns as soon as the answer has begun. @throws what the connection failed with, or the reason of `signal` */
  send(path: string, request: RawRequest, headers: Headers, signal: AbortSignal): Promise<RawResponse>;
  /** Lets what is under way end. */
  close(): void;
}

export function lostConnection(): Error {
  return Object.assign(new Error("the connection was lost"), { code: "ECONNRESET" });
}
