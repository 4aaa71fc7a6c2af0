import { createHash } from "node:crypto";
import { apiNotFound } from "../../core/api-not-found.ts";
import type {
  ApiRequest,
  ApiResponse,
  ApiState,
  Environment,
  ExecOptions,
  ExecStreams,
  LogLine,
  LogOptions,
  PortForwardOptions,
  Project,
  Revision,
  RollOutOptions,
  RolloutEvent,
  Suitability,
} from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import { splitterHasNone, splittersOf, targetInUse } from "../../core/splitters.ts";
import type { ImageBuilder } from "../../image/image.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { Api } from "../../spec/api.ts";
import type { Anchor } from "./anchor.ts";
import { asRevision, isComplete, lastLive } from "./api-states.ts";
import type { ApiChange, ChangePorts } from "./change-api.ts";
import type { LogArchive } from "./logs/log-archive.ts";
import type { NamespaceWatch } from "./namespace-watch.ts";
import type { RevisionRecord } from "./revision-record.ts";
import { readRevisions } from "./revisions.ts";
import {
  type ClusterOverrides,
  endpointUrl,
  type FullSnapshot,
  readFullSnapshot,
  readSnapshot,
  type Snapshot,
} from "./snapshot.ts";
import { type StateContext, statesOf } from "./states.ts";
import { isUnderWay, isUpdating } from "./under-way.ts";
import { withoutValues } from "./variables.ts";

export interface KubernetesOptions extends ClusterOverrides {
  /** Of the environment. */
  readonly name: string;
  /** Commands that name none mean this one. */
  readonly isDefault?: boolean;
  readonly namespace?: string;
  /** Where images are pushed. */
  readonly registry?: string;
  readonly baseImage?: string;
  /** Of this Cortex. */
  readonly version: string;
  connect(signal: AbortSignal): Promise<KubeClient>;
  images(signal: AbortSignal): Promise<ImageBuilder>;
  /** Where the lines of replicas that are gone are kept; undefined: nowhere. */
  archive?(signal: AbortSignal): Promise<LogArchive>;
  now(): number;
}

/** One namespace of a cluster. Nothing of Cortex's own runs there: all is told by the objects themselves. */
export function kubernetesEnvironment(options: KubernetesOptions): Environment {
  return new KubernetesEnvironment(options);
}

class KubernetesEnvironment implements Environment {
  readonly name: string;
  readonly kind = "kubernetes";
  readonly inEnv: string;
  readonly #options: KubernetesOptions;
  #client: Promise<KubeClient> | undefined;
  /** Read for the plan; what is applied is compared with it, and guarded by the anchors' versions. */
  #inspected: FullSnapshot | undefined;
  /** One set of watches for all that is rolled out at once. */
  #watch: { readonly watch: NamespaceWatch; readonly stop: AbortController; users: number } | undefined;

  constructor(options: KubernetesOptions) {
    this.name = options.name;
    this.inEnv = options.isDefault ? "" : ` -e ${options.name}`;
    this.#options = options;
  }

  /** Once the cluster was inspected it also tells what this one does otherwise. */
  async suits(api: Api, project: Project): Promise<Suitability> {
    const { clusterSuitability } = await import("./suitability.ts");
    return clusterSuitability(api, project, {
      environment: this.name,
      registry: this.#options.registry,
      ...(this.#inspected && { features: this.#inspected.features }),
    });
  }

  /** Files matter to what runs them. */
  revisionId(api: Api, project: Project): string {
    const files = "handler" in api && api.handler ? project.digest : "";
    return createHash("sha256")
      .update(JSON.stringify([api, files]))
      .digest("hex")
      .slice(0, 16);
  }

  stored(api: Api): Api {
    return withoutValues(api);
  }

  async list(signal: AbortSignal): Promise<readonly ApiState[]> {
    const { client, namespace } = await this.#connected(signal);
    const snapshot = await readSnapshot(client, namespace, this.#options, signal);
    const metrics = await this.#metrics(client, namespace, snapshot, signal);
    return statesOf(snapshot, { namespace, ...metrics });
  }

  async inspect(signal: AbortSignal): Promise<readonly ApiState[]> {
    const { client, namespace } = await this.#connected(signal);
    const [{ driftsOf }, snapshot] = await Promise.all([
      import("./drifts.ts"),
      readFullSnapshot(client, namespace, this.#options, signal),
    ]);
    this.#inspected = snapshot;
    return statesOf(snapshot, { namespace }).map((state) => ({
      ...state,
      drift: driftsOf(snapshot, namespace, state.name),
    }));
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly ApiState[]> {
    const { watchStates } = await import("./watch-states.ts");
    const { client, namespace } = await this.#connected(signal);
    yield* watchStates(
      client,
      namespace,
      this.#options,
      (snapshot) => this.#metrics(client, namespace, snapshot, signal),
      signal,
    );
  }

  async *rollOut(
    api: Api,
    project: Project,
    options: RollOutOptions,
    signal: AbortSignal,
  ): AsyncGenerator<RolloutEvent> {
    const snapshot = await this.#full(signal);
    const before = snapshot.anchors.get(api.name);
    const id = this.revisionId(api, project);
    const isSame = before?.record.id === id;
    if (before && !isSame && !options.force) this.#refuseUpdating(before, snapshot);
    const { prepareRevision } = await import("./prepare-revision.ts");
    const { client, namespace } = await this.#connected(signal);
    const prepared = yield* prepareRevision(
      { api, project, id, before, createdBy: options.createdBy },
      { client, namespace, options: this.#options },
      signal,
    );
    yield* this.#change(
      {
        before,
        serving: before && lastLive(before, snapshot.deployments.get(api.name)),
        record: prepared.record,
        change: before ? "updated" : "created",
        refreshedAt: before?.refreshedAt,
        live: liveOf(snapshot, api.name),
        secrets: prepared.secrets,
        createdBy: options.createdBy,
        timeoutMs: options.timeoutMs,
      },
      snapshot,
      signal,
    );
  }

  async *rollBack(
    name: string,
    revision: number,
    options: RollOutOptions,
    signal: AbortSignal,
  ): AsyncGenerator<RolloutEvent> {
    const { client, namespace } = await this.#connected(signal);
    const [snapshot, records] = await Promise.all([this.#full(signal), readRevisions(client, namespace, name, signal)]);
    const before = this.#anchor(snapshot, name);
    if (!options.force) this.#refuseUpdating(before, snapshot);
    const old = records.find(({ number }) => number === revision);
    if (!old) throw revisionNotFound(name, revision, records, this.inEnv);
    const record: RevisionRecord = {
      ...old,
      number: before.record.number + 1,
      createdAt: new Date(this.#options.now()).toISOString(),
      createdBy: options.createdBy,
      rollbackOf: revision,
      writtenBy: this.#options.version,
    };
    const change = { ...this.#base(before, snapshot), record, change: "updated" as const };
    yield* this.#change({ ...change, createdBy: options.createdBy, timeoutMs: options.timeoutMs }, snapshot, signal);
  }

  async *refresh(
    name: string,
    options: { readonly force: boolean; readonly timeoutMs: number },
    signal: AbortSignal,
  ): AsyncGenerator<RolloutEvent> {
    const snapshot = await this.#full(signal);
    const before = this.#anchor(snapshot, name);
    const { spec } = before.record;
    if (spec.kind === "TrafficSplitter") throw splitterHasNone(spec, "replicas to replace", "refresh", this.inEnv);
    if (!options.force) this.#refuseUpdating(before, snapshot);
    const change = {
      ...this.#base(before, snapshot),
      record: before.record,
      change: "refreshed" as const,
      refreshedAt: new Date(this.#options.now()).toISOString(),
      createdBy: before.record.createdBy,
      timeoutMs: options.timeoutMs,
    };
    yield* this.#change(change, snapshot, signal);
  }

  async history(name: string, signal: AbortSignal): Promise<readonly Revision[]> {
    const { client, namespace } = await this.#connected(signal);
    const records = await readRevisions(client, namespace, name, signal);
    if (records.length === 0) await this.#require(name, signal);
    return records.slice(0, 10).map(asRevision);
  }

  async remove(name: string, _options: { readonly keepCache: boolean }, signal: AbortSignal): Promise<void> {
    const { client, namespace } = await this.#connected(signal);
    const states = statesOf(await readSnapshot(client, namespace, this.#options, signal), { namespace });
    if (!states.some((state) => state.name === name)) throw apiNotFound(name, this.name, states);
    const splitters = splittersOf(name, states);
    if (splitters.length > 0) throw targetInUse(name, splitters, this.inEnv);
    const [{ removeApi }, { gatewayDelayMs }] = await Promise.all([
      import("./remove-api.ts"),
      import("./change-api.ts"),
    ]);
    await removeApi(client, namespace, name, gatewayDelayMs, signal);
  }

  async *logs(name: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    const { client, namespace } = await this.#connected(signal);
    const archive = await this.#options.archive?.(signal);
    const [{ podLogs }, state] = await Promise.all([
      import("./pod-logs.ts"),
      // What an API printed that is deleted is still in the archive.
      archive && options.previous ? undefined : this.#require(name, signal),
    ]);
    if (state?.revision.spec.kind === "TrafficSplitter")
      throw splitterHasNone(state.revision.spec, "log", "logs", this.inEnv);
    yield* podLogs({ client, namespace, archive }, name, options, signal);
  }

  async request(name: string, request: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
    const { client, namespace } = await this.#connected(signal);
    const [{ requestApi }, state] = await Promise.all([import("./request-api.ts"), this.#require(name, signal)]);
    return requestApi(client, namespace, state, request, signal);
  }

  async exec(name: string, options: ExecOptions, streams: ExecStreams, signal: AbortSignal): Promise<number> {
    const { client, namespace } = await this.#connected(signal);
    const [{ execInReplica }, { revision }] = await Promise.all([import("./exec.ts"), this.#require(name, signal)]);
    if (revision.spec.kind === "TrafficSplitter") throw splitterHasNone(revision.spec, "replica", "exec", this.inEnv);
    return execInReplica(client, namespace, name, { ...options, inEnv: this.inEnv }, streams, signal);
  }

  async forwardPort(
    name: string,
    options: PortForwardOptions,
    onListening: (port: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, namespace } = await this.#connected(signal);
    const [{ forwardPort }, { revision }] = await Promise.all([
      import("./port-forward.ts"),
      this.#require(name, signal),
    ]);
    if (revision.spec.kind === "TrafficSplitter")
      throw splitterHasNone(revision.spec, "replica", "port-forward", this.inEnv);
    await forwardPort(client, namespace, name, { ...options, inEnv: this.inEnv }, onListening, signal);
  }

  async objects(
    wanted: readonly Api[],
    project: Project,
    options: { readonly createdBy: string; readonly isCheckedByServer: boolean },
    signal: AbortSignal,
  ): Promise<readonly unknown[]> {
    const { client, namespace } = await this.#connected(signal);
    const [{ plannedObjects }, snapshot] = await Promise.all([import("./planned-objects.ts"), this.#full(signal)]);
    const ports = { client, namespace, options: this.#options, snapshot };
    const apis = wanted.map((api) => ({ api, id: this.revisionId(api, project) }));
    return plannedObjects(apis, project, options, ports, signal);
  }

  async #connected(signal: AbortSignal): Promise<{ readonly client: KubeClient; readonly namespace: string }> {
    this.#client ??= this.#options.connect(signal);
    const connecting = this.#client;
    const client = await connecting.catch((error: unknown) => {
      // `deploy --watch` goes on, and a kubeconfig may be mended meanwhile.
      if (this.#client === connecting) this.#client = undefined;
      throw error;
    });
    return { client, namespace: this.#options.namespace ?? client.namespace };
  }

  async #full(signal: AbortSignal): Promise<FullSnapshot> {
    if (this.#inspected) return this.#inspected;
    const { client, namespace } = await this.#connected(signal);
    return readFullSnapshot(client, namespace, this.#options, signal);
  }

  async #require(name: string, signal: AbortSignal): Promise<ApiState> {
    const { client, namespace } = await this.#connected(signal);
    const [state] = statesOf(await readSnapshot(client, namespace, this.#options, signal, name), { namespace });
    if (state) return state;
    throw apiNotFound(
      name,
      this.name,
      statesOf(await readSnapshot(client, namespace, this.#options, signal), { namespace }),
    );
  }

  #anchor(snapshot: FullSnapshot, name: string): Anchor {
    const found = snapshot.anchors.get(name);
    if (found) return found;
    const namespace = this.#options.namespace ?? "";
    throw apiNotFound(name, this.name, statesOf(snapshot, { namespace }));
  }

  #refuseUpdating(anchor: Anchor, { deployments }: FullSnapshot): void {
    const deployment = deployments.get(anchor.name);
    const now = this.#options.now();
    if (isUnderWay(anchor, deployment, deployment !== undefined && isComplete(deployment), now)) {
      throw isUpdating(anchor, now, this.inEnv);
    }
  }

  /** What a change has that needs nothing new: variables and credentials are there already. */
  #base(before: Anchor, snapshot: FullSnapshot) {
    return {
      before,
      serving: lastLive(before, snapshot.deployments.get(before.name)),
      refreshedAt: before.refreshedAt,
      live: liveOf(snapshot, before.name),
      secrets: () => [],
    };
  }

  /** The watches are shared by all APIs of a deploy, and end with the last of them. */
  async *#change(change: ApiChange, snapshot: FullSnapshot, signal: AbortSignal): AsyncGenerator<RolloutEvent> {
    const { client, namespace } = await this.#connected(signal);
    const { features, entrance } = snapshot;
    const [{ changeApi }, { watchNamespace }] = await Promise.all([
      import("./change-api.ts"),
      import("./namespace-watch.ts"),
    ]);
    let isUser = false;
    const ports: ChangePorts = {
      client,
      namespace,
      features,
      inEnv: this.inEnv,
      now: this.#options.now,
      endpoint: (api) => endpointUrl(entrance, api.networking.endpoint) ?? `http://${api.name}.${namespace}`,
      watch: () => {
        this.#watch ??= startWatch(watchNamespace, client, namespace, features.gateway !== undefined);
        this.#watch.users += isUser ? 0 : 1;
        isUser = true;
        return this.#watch.watch;
      },
    };
    try {
      yield* changeApi(change, ports, signal);
    } finally {
      if (isUser && this.#watch) {
        this.#watch.users -= 1;
        if (this.#watch.users === 0) {
          this.#watch.stop.abort();
          this.#watch = undefined;
        }
      }
      this.#inspected = undefined;
    }
  }

  /** Without a Prometheus, or one that answers, there are none: `get` is about more than that. */
  async #metrics(
    client: KubeClient,
    namespace: string,
    { anchors, entrance: { prometheusUrl } }: Pick<Snapshot, "anchors" | "entrance">,
    signal: AbortSignal,
  ): Promise<Pick<StateContext, "metrics" | "metricsProblem">> {
    if (prometheusUrl === undefined) return {};
    const { readMetrics } = await import("./metrics/read-metrics.ts");
    const splitters = [...anchors.values()].filter(({ record }) => record.spec.kind === "TrafficSplitter");
    const measured = { apis: undefined, splitters: splitters.map(({ name }) => name) };
    try {
      return { metrics: await readMetrics(client, prometheusUrl, namespace, measured, signal) };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CortexError)) throw error;
      return { metricsProblem: error.message };
    }
  }
}

function startWatch(
  watchNamespace: typeof import("./namespace-watch.ts")["watchNamespace"],
  client: KubeClient,
  namespace: string,
  withRoutes: boolean,
) {
  const stop = new AbortController();
  const watch = watchNamespace(client, namespace, { withRoutes, withEvents: true }, stop.signal);
  return { watch, stop, users: 0 };
}

function liveOf({ objects }: FullSnapshot, api: string): ApiChange["live"] {
  return new Map([...objects].flatMap(([type, byApi]) => (byApi.has(api) ? [[type, byApi.get(api)!] as const] : [])));
}

function revisionNotFound(
  name: string,
  revision: number,
  records: readonly RevisionRecord[],
  inEnv: string,
): CortexError {
  const numbers = records.map(({ number }) => number).join(", ");
  return new CortexError("REVISION_NOT_FOUND", `${name} has no revision ${revision}`, {
    hint: numbers === "" ? `nothing is kept; see cortex history ${name}${inEnv}` : `there are: ${numbers}`,
  });
}
