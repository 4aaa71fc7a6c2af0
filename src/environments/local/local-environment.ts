import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type {
  ApiRequest,
  ApiResponse,
  ApiState,
  Environment,
  LogLine,
  LogOptions,
  Project,
  Revision,
  RollOutOptions,
  RolloutEvent,
  Suitability,
} from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import { agentAddress } from "../../platform/home.ts";
import type { Api, RealtimeApi, TrafficSplitter } from "../../spec/api.ts";
import { hasStoredApis } from "./agent/api-store.ts";
import type { AgentInfo, Refresh, RollBack, RollOut } from "./agent/protocol.ts";
import { takeOverMs } from "./agent/succession.ts";
import { AgentAbsent, type AgentClient, agentClient } from "./agent-client.ts";
import { namedPort } from "./gateway-port.ts";
import type { Installation } from "./installation.ts";
import { isNewer } from "./is-newer.ts";
import { localFolders } from "./local-folders.ts";
import { requestApi } from "./request-api.ts";
import { startAgent } from "./start-agent.ts";
import { localSuitability } from "./suitability.ts";

export interface LocalOptions {
  readonly home: string;
  readonly installation: Installation;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** How often an agent is started that leaves, or is replaced, just as it is asked. */
const attempts = 40;
/** How long an agent that was told to end is waited for: it ends what is in-flight first. */
const patienceMs = 60_000;
const longestPauseMs = 500;

/** From here on storing a project for the first time may take a second. */
const slowToStoreBytes = 256 * 2 ** 20;

/** This machine: everything is asked of the agent, which is started when there is something for it to do. */
export function localEnvironment(options: LocalOptions): Environment {
  return new LocalEnvironment(options);
}

class LocalEnvironment implements Environment {
  readonly name = "local";
  readonly kind = "local";
  readonly #options: LocalOptions;
  readonly #client: AgentClient;

  constructor(options: LocalOptions) {
    this.#options = options;
    this.#client = agentClient(agentAddress(options.home));
  }

  suits(api: Api, project: Project): Suitability {
    return localSuitability(api, project);
  }

  revisionId(api: Api, project: Project): string {
    const content = api.kind === "TrafficSplitter" ? [api] : [api, project.digest];
    return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
  }

  async list(signal: AbortSignal): Promise<readonly ApiState[]> {
    const list = () => this.#client.json<ApiState[]>("GET", "/apis", signal);
    return (await this.#askIfAny(list, signal)) ?? [];
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly ApiState[]> {
    if (!(await this.#askIfAny(() => this.#client.json("GET", "/agent", signal), signal))) yield [];
    await this.#ensureAgent(signal);
    yield* this.#client.lines<ApiState[]>("GET", "/apis?watch", signal);
  }

  async *rollOut(
    api: Api,
    project: Project,
    options: RollOutOptions,
    signal: AbortSignal,
  ): AsyncGenerator<RolloutEvent> {
    const runsCode = api.kind !== "TrafficSplitter";
    if (runsCode && project.totalBytes >= slowToStoreBytes) {
      yield { type: "notice", message: `storing the project's ${Math.round(project.totalBytes / 2 ** 20)} MiB` };
    }
    // Both are waited for, also when one fails or Ctrl-C comes: what is being written is removed then.
    const stored = runsCode ? this.#store(project, signal) : undefined;
    const prepared = await Promise.allSettled([stored, this.#prepareAgent(signal)]);
    for (const one of prepared) if (one.status === "rejected") throw one.reason;
    const request: RollOut = {
      api: api as RealtimeApi | TrafficSplitter,
      revisionId: this.revisionId(api, project),
      project: runsCode ? project.digest : "",
      ...options,
    };
    yield* this.#stream<RolloutEvent>("PUT", `/apis/${api.name}`, signal, request);
  }

  async *rollBack(
    name: string,
    revision: number,
    options: RollOutOptions,
    signal: AbortSignal,
  ): AsyncGenerator<RolloutEvent> {
    await this.#requireApi(name, signal);
    await this.#prepareAgent(signal);
    const request: RollBack = { revision, ...options };
    yield* this.#stream<RolloutEvent>("POST", `/apis/${name}/rollback`, signal, request);
  }

  async *refresh(name: string, options: Refresh, signal: AbortSignal): AsyncGenerator<RolloutEvent> {
    await this.#requireApi(name, signal);
    await this.#prepareAgent(signal);
    yield* this.#stream<RolloutEvent>("POST", `/apis/${name}/refresh`, signal, options);
  }

  async history(name: string, signal: AbortSignal): Promise<readonly Revision[]> {
    await this.#requireApi(name, signal);
    return this.#ask(() => this.#client.json<Revision[]>("GET", `/apis/${name}/revisions`, signal), signal);
  }

  async remove(name: string, { keepCache }: { readonly keepCache: boolean }, signal: AbortSignal): Promise<void> {
    await this.#requireApi(name, signal);
    const path = `/apis/${name}${keepCache ? "?keepCache" : ""}`;
    let asked = 0;
    try {
      await this.#ask(() => {
        asked += 1;
        return this.#client.json("DELETE", path, signal);
      }, signal);
    } catch (error) {
      // The agent went away after it had deleted it.
      if (asked === 1 || !(error instanceof CortexError) || error.code !== "API_NOT_FOUND") throw error;
    }
  }

  async *logs(name: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    await this.#requireApi(name, signal);
    const query = encodeURIComponent(JSON.stringify(options));
    yield* this.#stream<LogLine>("GET", `/apis/${name}/logs?options=${query}`, signal);
  }

  async request(name: string, request: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
    const { endpoint } = await this.#requireApi(name, signal);
    return requestApi(endpoint, request, signal);
  }

  async #store(project: Project, signal: AbortSignal): Promise<void> {
    const { storeSnapshot } = await import("./snapshots.ts");
    await storeSnapshot(this.#options.home, project, signal);
  }

  async #requireApi(name: string, signal: AbortSignal): Promise<ApiState> {
    const apis = await this.list(signal);
    const found = apis.find((api) => api.name === name);
    if (found) return found;
    const { apiNotFound } = await import("../../core/api-not-found.ts");
    throw apiNotFound(name, this.name, apis);
  }

  /** For what changes something: the agent runs, is not older than this CLI, and its gateway listens where it should. */
  async #prepareAgent(signal: AbortSignal): Promise<void> {
    const port = namedPort(this.#options.variables);
    const { installation } = this.#options;
    const info = await this.#ask(async () => {
      const running = await this.#client.json<AgentInfo>("GET", "/agent", signal);
      if (!isNewer(installation, running)) return running;
      return this.#client.json<AgentInfo>("POST", "/agent/replace", signal, { program: installation.program });
    }, signal);
    if (info.port === undefined || (port !== undefined && port !== info.port)) {
      await this.#ask(() => this.#client.json("PUT", "/agent/gateway", signal, { port }), signal);
    }
  }

  async #ensureAgent(signal: AbortSignal): Promise<AgentInfo> {
    return this.#ask(() => this.#client.json<AgentInfo>("GET", "/agent", signal), signal);
  }

  /** Asks a running agent, or one that has something to bring back. @returns undefined when nothing is deployed */
  async #askIfAny<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AgentAbsent)) throw error;
    }
    if (!(await hasStoredApis(localFolders(this.#options.home).apis))) return undefined;
    return this.#ask(ask, signal);
  }

  async #ask<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const startedAt = performance.now();
    for (let started = 0, pauseMs = 20; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
      let isAbsent: boolean;
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof AgentAbsent || isReplaced(error))) throw error;
        isAbsent = error instanceof AgentAbsent;
        const isOver = performance.now() - startedAt > (isAbsent ? patienceMs : takeOverMs);
        if (started === attempts || isOver) throw isAbsent ? this.#noAgent(error) : error;
      }
      if (isAbsent && (await startAgent(this.#options.home, this.#options.installation, signal))) started += 1;
      // One holds the lock: it does not listen yet, is about to end, or hands over to its successor.
      else await delay(pauseMs, undefined, { signal });
    }
  }

  #noAgent(cause: unknown): CortexError {
    return new CortexError("AGENT_FAILED", "the agent does not stay, or does not end", {
      hint: `see ${localFolders(this.#options.home).agentLog}`,
      cause,
    });
  }

  async *#stream<T>(method: string, path: string, signal: AbortSignal, body?: unknown): AsyncGenerator<T> {
    // Begun anew each time: one that has failed is over, and would say that all is done.
    const [stream, first] = await this.#ask(async () => {
      const begun = this.#client.lines<T>(method, path, signal, body);
      return [begun, await begun.next()] as const;
    }, signal);
    if (first.done) return;
    yield first.value;
    yield* stream;
  }
}

/** An agent that hands over refuses what would change anything before it begins, so that its successor may be asked the same. */
function isReplaced(error: unknown): boolean {
  return error instanceof CortexError && error.code === "AGENT_REPLACED";
}
