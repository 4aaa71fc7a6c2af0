import type { Api, ApiKind } from "../spec/api.ts";
import type { ErrorCode } from "./errors.ts";

/** One immutable version of an API. */
export interface Revision {
  /** Counts up from 1 per API; a rollback makes a new number of an old content. */
  readonly number: number;
  /** Hash over spec, project and environment values: equal ids run the same thing. Hex, 16 characters. */
  readonly id: string;
  /** Hash over the project's files (see src/project); empty for a TrafficSplitter, which has none. */
  readonly project: string;
  readonly spec: Api;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** `user@host` of who deployed it. */
  readonly createdBy: string;
  /** Set when this revision repeats the content of an older one. */
  readonly rollbackOf?: number;
}

export type StatusCode =
  | "status_live"
  | "status_updating"
  | "status_error"
  | "status_error_oom"
  | "status_compute_unavailable"
  | "status_unknown";

/**
 * What a replica is doing, in the order in which it is passed; `failed` may follow any of them. On a cluster a replica is
 * scheduled and its image pulled, on this machine its packages are prepared.
 */
export type ReplicaPhase =
  | "preparing packages"
  | "scheduling"
  | "pulling image"
  | "starting"
  | "loading"
  | "ready"
  | "draining"
  | "failed";

export interface ReplicaState {
  readonly id: string;
  readonly revision: number;
  readonly phase: ReplicaPhase;
  /** When this phase began, milliseconds since the epoch. */
  readonly since: number;
  readonly restarts: number;
  readonly memoryBytes?: number;
  /** Why it failed, or what it waits for. */
  readonly reason?: string;
  /** True when the memory limit ended it. */
  readonly outOfMemory?: boolean;
}

/** Traffic of one API as its gateway saw it. */
export interface ApiMetrics {
  /** Over the last minute. */
  readonly requestsPerSecond: number;
  /** Over the last minute; undefined when there was no request. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Totals by class of status since the gateway started to serve this API. */
  readonly status2xx: number;
  readonly status4xx: number;
  readonly status5xx: number;
  readonly inFlight: number;
  readonly queueLength: number;
}

/** What the autoscaler saw at its last look, and why it decided as it did. */
export interface AutoscalerView {
  readonly current: number;
  readonly wanted: number;
  /** Undefined when it looks at something else, or could not look. */
  readonly inFlightMean?: number;
  readonly reason: string;
}

export interface ApiState {
  readonly name: string;
  readonly kind: ApiKind;
  /** The revision that is wanted; while it is rolled out, or after that failed, an older one may still serve. */
  readonly revision: Revision;
  /** The revision whose replicas serve now; undefined when none does. */
  readonly serving?: number;
  readonly status: { readonly code: StatusCode; readonly message?: string };
  readonly requested: number;
  readonly ready: number;
  /** Ready replicas of the wanted revision. */
  readonly upToDate: number;
  readonly replicas: readonly ReplicaState[];
  readonly endpoint: string;
  readonly metrics?: ApiMetrics;
  readonly autoscaler?: AutoscalerView;
  /** What this environment does otherwise than the spec says, e.g. a `max_replicas` capped by cores. */
  readonly notices: readonly string[];
  /** What somebody changed behind Cortex's back; a deploy takes it back. Told by `inspect` only. */
  readonly drift?: readonly Drift[];
}

/** One field of an object that is not as Cortex wrote it. */
export interface Drift {
  /** e.g. "Deployment iris: spec.template.spec.containers[api].image". */
  readonly path: string;
  /** As it is now; undefined when it is missing. */
  readonly before: string | undefined;
  /** As it was written and will be again; undefined when it should not be there. */
  readonly after: string | undefined;
}

export type RolloutEvent =
  | { readonly type: "accepted"; readonly change: "created" | "updated" | "refreshed"; readonly revision: number }
  | {
      readonly type: "replica";
      readonly replica: string;
      readonly phase: ReplicaPhase | "stopped";
      readonly at: number;
      readonly detail?: string;
    }
  | { readonly type: "notice"; readonly message: string }
  /** Work before there is a replica, such as "installing packages"; with numbers where they are known. */
  | { readonly type: "step"; readonly step: string; readonly doneBytes?: number; readonly totalBytes?: number }
  | { readonly type: "live"; readonly revision: number; readonly endpoint: string };

/** The files of a project as packed (see src/project): what a handler may read. */
export interface Project {
  /** Absolute path of the folder that holds cortex.yaml. */
  readonly root: string;
  /** Hash over paths, modes and contents. Hex, 64 characters. */
  readonly digest: string;
  readonly files: readonly ProjectFile[];
  readonly totalBytes: number;
}

export interface ProjectFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  /** True when the owner may execute it. */
  readonly executable: boolean;
  /** SHA-256, hex. */
  readonly sha256: string;
}

export interface RollOutOptions {
  /** Take over an update that is under way. */
  readonly force: boolean;
  readonly createdBy: string;
  /** A revision that is not live by then has failed, and its replicas are stopped. */
  readonly timeoutMs: number;
}

export interface LogOptions {
  readonly follow: boolean;
  /** Only lines from this time on, milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** Only the last n lines of what is there. */
  readonly tail?: number;
  /** Regular expression (JavaScript) over the text. */
  readonly grep?: string;
  readonly replica?: string;
  /** Lines of replicas that are gone, instead of those that run. */
  readonly previous: boolean;
}

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly api: string;
  readonly revision: number;
  readonly replica: string;
  readonly stream: "stdout" | "stderr" | "access" | "system";
  readonly text: string;
}

export interface ApiRequest {
  readonly method: string;
  /** Below the API's endpoint, "" or with a leading slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** What an environment cannot do with an API (then it is refused before anything is changed), or does otherwise. */
export interface Suitability {
  readonly refusals: readonly { readonly message: string; readonly hint?: string; readonly code?: ErrorCode }[];
  readonly notices: readonly string[];
}

/** A place where APIs run: this machine, a cluster. Implementations hold no state between calls. */
export interface Environment {
  readonly name: string;
  readonly kind: "local" | "kubernetes";
  /** Ends commands that people are told to run, so that they mean this one: ` -e NAME`; empty or absent where they mean it anyway. */
  readonly inEnv?: string;
  /** Says, without changing anything, whether `api` over `project` can run here. */
  suits(api: Api, project: Project): Suitability | Promise<Suitability>;
  /** As `list`, and looks for drift: what a deploy compares with. Without it `list` serves. */
  inspect?(signal: AbortSignal): Promise<readonly ApiState[]>;
  list(signal: AbortSignal): Promise<readonly ApiState[]>;
  /** Yields the whole list at once and again after each change, until the signal aborts. */
  watch(signal: AbortSignal): AsyncIterable<readonly ApiState[]>;
  /**
   * Makes `api` over `project` the wanted revision, idempotently, and yields until it is live.
   * @throws ROLLOUT_FAILED with the cause and log tail (the previous revision serves on), CONFLICT when another update is under way
   */
  rollOut(api: Api, project: Project, options: RollOutOptions, signal: AbortSignal): AsyncIterable<RolloutEvent>;
  /** The id that `rollOut` would give this content. */
  revisionId(api: Api, project: Project): string;
  /** How a revision's spec is kept here, if not as it is: values of variables may be hashes. */
  stored?(api: Api): Api;
  /** Makes a new revision of an old content; yields as `rollOut`. @throws API_NOT_FOUND, REVISION_NOT_FOUND */
  rollBack(name: string, revision: number, options: RollOutOptions, signal: AbortSignal): AsyncIterable<RolloutEvent>;
  /**
   * Replaces all replicas by new ones of the same revision without losing a request.
   * @throws API_NOT_FOUND, NOT_SUPPORTED for a TrafficSplitter
   */
  refresh(
    name: string,
    options: { readonly force: boolean; readonly timeoutMs: number },
    signal: AbortSignal,
  ): AsyncIterable<RolloutEvent>;
  /** Newest first, at most ten. @throws API_NOT_FOUND */
  history(name: string, signal: AbortSignal): Promise<readonly Revision[]>;
  /** @throws API_NOT_FOUND, CONFLICT while a TrafficSplitter sends requests to it */
  remove(name: string, options: { readonly keepCache: boolean }, signal: AbortSignal): Promise<void>;
  /** @throws API_NOT_FOUND, NOT_SUPPORTED for a TrafficSplitter: its APIs have the lines */
  logs(name: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;
  /** @throws API_NOT_FOUND, REQUEST_FAILED */
  request(name: string, request: ApiRequest, signal: AbortSignal): Promise<ApiResponse>;
  /** The objects that `rollOut` of these would apply, in that order. Only where APIs are made of objects. */
  objects?(
    wanted: readonly Api[],
    project: Project,
    options: { readonly createdBy: string; readonly isCheckedByServer: boolean },
    signal: AbortSignal,
  ): Promise<readonly unknown[]>;
  /** Runs a command beside the handler in one replica, joined to `streams`. @returns its exit status. @throws API_NOT_FOUND */
  exec?(name: string, options: ExecOptions, streams: ExecStreams, signal: AbortSignal): Promise<number>;
  /** Forwards connections on a local port to an API until `signal` aborts. @throws API_NOT_FOUND, PORT_TAKEN */
  forwardPort?(
    name: string,
    options: PortForwardOptions,
    onListening: (port: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface ExecOptions {
  readonly command: readonly string[];
  /** Default: one that is ready. */
  readonly replica?: string;
  /** Default: the handler's, or the first. */
  readonly container?: string;
  readonly isTerminal: boolean;
}

/** Standard streams of a command that runs elsewhere. `stdin` undefined: it gets none. */
export interface ExecStreams {
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  stdout(chunk: Uint8Array): Promise<void>;
  stderr(chunk: Uint8Array): Promise<void>;
  /** Sizes of the terminal, the present one first. */
  readonly sizes?: AsyncIterable<{ readonly columns: number; readonly rows: number }>;
}

export interface PortForwardOptions {
  /** On loopback; 0 takes any free one. */
  readonly localPort: number;
  /** Default: the API's own, behind its queue. */
  readonly remotePort?: number;
  readonly replica?: string;
}
