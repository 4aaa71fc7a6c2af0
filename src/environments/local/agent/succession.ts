import type { AgentInfo } from "./protocol.ts";

/**
 * How an agent gives way to a newer one without losing a request. The old agent starts the new one as its child and they
 * talk over the IPC channel, which is also the one way by which Node passes listening sockets on:
 *
 *   old: freezes its state, frees the lock        -> take
 *   new: takes the lock, brings every API back    -> restored
 *   old: passes the gateway's listening sockets   -> gateway
 *   new: accepts requests, answers the CLI        -> serving
 *   old: accepts no more, ends what is in-flight, stops its replicas, ends
 *
 * Until `serving` the old agent serves; if the new one fails before, it takes the lock back and goes on.
 */
export const successorFlag = "--successor";

export type ToSuccessor = { readonly step: "take" } | { readonly step: "gateway"; readonly remaining: number };
export type FromSuccessor =
  | { readonly step: "restored" }
  | { readonly step: "serving"; readonly info: AgentInfo }
  | { readonly step: "failed"; readonly message: string };

export const takeOverMs = 120_000;
