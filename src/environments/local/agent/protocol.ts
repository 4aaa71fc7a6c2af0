import type { ErrorJson } from "../../../core/errors.ts";
import type { RealtimeApi, TrafficSplitter } from "../../../spec/api.ts";

/**
 * What CLI and agent say to each other: HTTP over a socket that only the user can open. Streams are one JSON value per
 * line; a stream that fails ends with a `StreamFailure`. Fields are only ever added: an older CLI may meet a newer agent.
 *
 *   GET    /v1/agent                     AgentInfo
 *   PUT    /v1/agent/gateway             OpenGateway -> AgentInfo
 *   POST   /v1/agent/replace             Replace -> AgentInfo of the successor
 *   GET    /v1/apis[?watch]              ApiState[] (one list per line with watch)
 *   PUT    /v1/apis/NAME                 RollOut -> RolloutEvent per line
 *   POST   /v1/apis/NAME/rollback        RollBack -> RolloutEvent per line
 *   POST   /v1/apis/NAME/refresh         Refresh -> RolloutEvent per line
 *   GET    /v1/apis/NAME/revisions       Revision[], newest first
 *   GET    /v1/apis/NAME/logs?options=   LogLine per line
 *   DELETE /v1/apis/NAME[?keepCache]     {}
 */
export interface AgentInfo {
  readonly version: string;
  readonly build: string;
  readonly pid: number;
  /** Of the gateway; undefined while it listens nowhere. */
  readonly port?: number;
}

export interface RollOut {
  readonly api: RealtimeApi | TrafficSplitter;
  readonly revisionId: string;
  /** Digest of a snapshot that the CLI has stored; empty for a TrafficSplitter. */
  readonly project: string;
  readonly force: boolean;
  readonly createdBy: string;
  readonly timeoutMs: number;
}

export interface RollBack {
  readonly revision: number;
  readonly force: boolean;
  readonly createdBy: string;
  readonly timeoutMs: number;
}

export interface Refresh {
  readonly force: boolean;
  readonly timeoutMs: number;
}

export interface OpenGateway {
  /** Undefined: where it is, or was meant to be. */
  readonly port?: number;
}

export interface Replace {
  /** How to start the successor: a program and its arguments. */
  readonly program: readonly string[];
}

export interface StreamFailure {
  readonly type: "error";
  readonly error: ErrorJson;
}
