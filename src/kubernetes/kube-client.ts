import type { KubeObject, ResourceType } from "./objects.ts";

export interface ListOptions {
  /** Without it: all namespaces, or a kind that has none. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface KubeList<T> {
  readonly items: readonly T[];
  /** Where a watch goes on. */
  readonly resourceVersion: string;
}

/**
 * What a watch sees. `listed` comes first, and again whenever the server cannot say what happened in between (410, a restart):
 * what is not in it is gone.
 */
export type WatchEvent<T> =
  | { readonly type: "listed"; readonly items: readonly T[] }
  | { readonly type: "added" | "modified" | "deleted"; readonly object: T };

export interface WatchOptions extends ListOptions {
  /** Told when changes come in, and when none can for a while: what was seen before may not be so any more. */
  onConnection?(state: "up" | "down"): void;
}

export interface ApplyOptions {
  /** Takes fields back from other managers. */
  readonly force?: boolean;
  /** The server checks and answers, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface RemoveOptions {
  /** Only if it is still this very object. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: "Background" | "Foreground" | "Orphan";
}

export interface RawRequest {
  readonly method: string;
  /** Below the server's URL, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A WebSocket to the API server. Closed when its signal aborts. */
export interface KubeSocket {
  /** The one of the protocols asked for that the server speaks; "" for none. */
  readonly protocol: string;
  /** Ends when the server closes; read by one reader, no faster than it reads. @throws KubeError when the connection breaks */
  readonly messages: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more; what is sent after the end is dropped. */
  send(message: Uint8Array): Promise<void>;
  close(): void;
}

/**
 * The API server of one cluster. Every call may throw `KubeError` (see kube-error.ts), whose code and text are fit for users.
 * What may be repeated is repeated for a while when a server that has answered once is restarted or throttles; one that never
 * answered fails at once. At most so many requests are under way at a time; more wait their turn.
 */
export interface KubeClient extends AsyncDisposable {
  /** The kubeconfig's context; "in-cluster" inside a pod. */
  readonly context: string;
  readonly server: string;
  /** The context's own namespace, `default` when it names none. */
  readonly namespace: string;

  /** @returns undefined when there is no such object, or no such kind in this cluster */
  get<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    signal: AbortSignal,
  ): Promise<T | undefined>;
  /** All pages. @returns undefined when the cluster does not know the kind */
  list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions,
    signal: AbortSignal,
  ): Promise<KubeList<T> | undefined>;
  /**
   * Goes on over lost connections and restarts of the server until `signal` aborts, whose reason it then throws; one who has
   * seen enough stops reading. Of a kind that the cluster does not know there is nothing, ever.
   */
  watch<T extends KubeObject>(
    type: ResourceType,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>;

  /** @throws KubeError status 409, reason AlreadyExists; with `isAfterLostReply` the object may be this very one */
  create<T extends KubeObject>(object: T, signal: AbortSignal): Promise<T>;
  /** Server-side apply with field manager `cortex`. */
  apply<T extends KubeObject>(object: T, options: ApplyOptions, signal: AbortSignal): Promise<T>;
  /**
   * Writes the whole object. @throws KubeError status 409 when its resourceVersion is not the newest; with `isAfterLostReply`
   * the newer one may be this very write
   */
  replace<T extends KubeObject>(object: T, signal: AbortSignal): Promise<T>;
  /** A JSON merge patch. @returns undefined when there is no such object */
  patch<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    patch: unknown,
    signal: AbortSignal,
    subresource?: "status" | "scale",
  ): Promise<T | undefined>;
  /** @returns whether it was there */
  remove(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    options: RemoveOptions,
    signal: AbortSignal,
  ): Promise<boolean>;

  /**
   * Any request, its answer as it is, whatever its status; for proxies, logs, versions, access reviews. Never repeated.
   * Read the body to its end, or abort `signal`: it holds a stream of the connection, and is not counted as under way.
   */
  request(request: RawRequest, signal: AbortSignal): Promise<RawResponse>;
  /** A WebSocket, e.g. to `exec` of a pod, on a connection of its own. @throws KubeError when it is refused. Never repeated. */
  openSocket(path: string, protocols: readonly string[], signal: AbortSignal): Promise<KubeSocket>;
  /** `request` whose answer is JSON. @throws KubeError for any status but 2xx */
  json<T>(request: RawRequest, signal: AbortSignal): Promise<T>;
}
